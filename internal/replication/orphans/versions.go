package orphans

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

// versions are all versions of a file that any of its holders has, tombstones included. A file that
// the ring does not know has none.
func (c *Collector) versions(ctx context.Context, name string) (out []*protocol.Record, err error) {
	err = c.atOwner(ctx, protocol.Place(name, 0), func(ctx context.Context, to peer.ID) (err error) {
		out, err = c.cfg.Versions(ctx, to, name)
		return err
	})
	return out, err
}

// The pause between two attempts doubles from minPause up to maxPause.
const (
	minPause = 20 * time.Millisecond
	maxPause = time.Second
)

// maxBetter bounds how often in a row the owner is asked that another peer names.
const maxBetter = 8

// atOwner calls fn with the owner of key until it succeeds, or fails in a way that asking again
// doesn't mend, or the timeout has passed.
func (c *Collector) atOwner(ctx context.Context, key ring.Key, fn func(context.Context, peer.ID) error) error {
	ctx, cancel := c.cfg.Env.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	to, known := c.guess(key)
	better := 0
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		var err error
		if !known {
			var owner protocol.Owner
			owner, err = c.cfg.Router.Locate(ctx, key)
			to = owner.ID
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
			if info, lerr := c.cfg.Peers.Learn(e.Better); lerr == nil && info.ID != to {
				to, known = info.ID, true
				better++
				continue
			}
		}
		better = 0
		if serr := env.Sleep(ctx, c.cfg.Env, pause/2+time.Duration(c.cfg.Env.Int64N(int64(pause)))); serr != nil {
			return err
		}
	}
}

// guess returns the owner of key in the present view. A wrong guess costs a request: the peer asked
// checks it.
func (c *Collector) guess(key ring.Key) (peer.ID, bool) {
	v := c.cfg.Ring.Snapshot().View
	if v.Owns(key) {
		return c.cfg.ID, true
	}
	if next := v.Next(key); len(next) > 0 && v.Joined() {
		return peer.ID(next[0].ID), true
	}
	return "", false
}

// mayPass reports whether the same request may succeed later.
func mayPass(err error) bool {
	switch fault.CodeOf(err) {
	case fault.TryAgain, fault.NotOwner, fault.NotSuccessor, fault.Refused, fault.Busy, fault.Uncertain, fault.Unreachable:
		return true
	default:
		return errors.Is(err, protocol.ErrNoAnswer)
	}
}
