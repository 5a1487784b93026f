package replication

import (
	"context"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/ring"
)

// ownerOf names the owner of key, asking the ring when the view can't tell.
func (n *Node) ownerOf(ctx context.Context, key ring.Key) (peer.ID, error) {
	o, err := n.cfg.Router.Locate(ctx, key)
	return o.ID, err
}

// The pause between two attempts doubles from minPause up to maxPause.
const (
	minPause = 20 * time.Millisecond
	maxPause = time.Second
)

// maxBetter bounds how often in a row a peer is believed that names another one as the owner.
const maxBetter = 8

// atOwner runs fn with the owner of key until it succeeds, or fails in a way that asking again
// doesn't mend, or the timeout has passed.
func (n *Node) atOwner(ctx context.Context, key ring.Key, fn func(context.Context, peer.ID) error) error {
	ctx, cancel := n.env.WithTimeout(ctx, n.cfg.Timeout)
	defer cancel()
	to, known := n.guess(key)
	better := 0
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		var err error
		if !known {
			to, err = n.ownerOf(ctx, key)
		}
		if err == nil {
			err = fn(ctx, to)
		}
		if err == nil || !mayPass(err) {
			return err
		}
		known = false
		var e *protocol.Elsewhere
		if errors.As(err, &e) && e.Better != nil && better < maxBetter {
			if info, lerr := n.peers.Learn(e.Better); lerr == nil && info.ID != to {
				to, known = info.ID, true
				better++
				continue
			}
		}
		better = 0
		if serr := env.Sleep(ctx, n.env, pause/2+time.Duration(n.env.Int64N(int64(pause)))); serr != nil {
			return err
		}
	}
}

// guess names the owner of key as the view has it; the owner checks that.
func (n *Node) guess(key ring.Key) (peer.ID, bool) {
	v := n.ring.Snapshot().View
	if v.Owns(key) {
		return n.id, true
	}
	if next := v.Next(key); len(next) > 0 && v.Joined() {
		return peerID(next[0]), true
	}
	return "", false
}

// mayPass reports whether an error may be gone when asked again.
func mayPass(err error) bool {
	switch fault.CodeOf(err) {
	case fault.TryAgain, fault.NotOwner, fault.NotSuccessor, fault.Refused, fault.Busy, fault.Uncertain, fault.Unreachable:
		return true
	default:
		return errors.Is(err, protocol.ErrNoAnswer)
	}
}
