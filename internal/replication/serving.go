package replication

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// serving waits until this node may serve key, and returns the snapshot under which it may. For a
// key of another arc the error names whom to ask instead.
func (n *Node) serving(ctx context.Context, key ring.Key) (*chord.Snapshot, error) {
	until := n.env.Now().Add(n.cfg.Timeout / 2)
	for {
		s := n.ring.Snapshot()
		switch {
		case s.Leaving:
			return nil, n.elsewhere(s.View.Successors())
		case s.Standby:
			return nil, n.elsewhere(s.View.Next(key))
		case s.Grants.Owns(key) && s.Grants.Synced:
			return s, nil
		case !s.Grants.Owns(key) && s.View.Joined() && s.Grants.Neighbors.Pred.IsNode():
			return nil, n.elsewhere(s.View.Next(key))
		}
		switch err := n.env.Wait(ctx, max(0, until.Sub(n.env.Now())), s.Next); {
		case errors.Is(err, env.ErrElapsed):
			return nil, fault.New(fault.TryAgain, "this part of the ring is changing (%s); try again", s.Grants.Why)
		case err != nil:
			return nil, err
		}
	}
}

// synced waits until this node may serve its arc.
func (n *Node) synced(ctx context.Context) (*chord.Snapshot, error) {
	until := n.env.Now().Add(n.cfg.Timeout / 2)
	for {
		s := n.ring.Snapshot()
		if s.Leaving || s.Standby {
			return nil, n.elsewhere(s.View.Successors())
		}
		if s.Grants.Synced {
			return s, nil
		}
		switch err := n.env.Wait(ctx, max(0, until.Sub(n.env.Now())), s.Next); {
		case errors.Is(err, env.ErrElapsed):
			return nil, fault.New(fault.TryAgain, "this part of the ring is changing (%s); try again", s.Grants.Why)
		case err != nil:
			return nil, err
		}
	}
}

// elsewhere is the answer "not the owner", with the first of better as the peer to ask.
func (n *Node) elsewhere(better []ring.Position) error {
	e := &protocol.Elsewhere{Code: fault.NotOwner}
	if known := n.peers.Describe(better[:min(1, len(better))]); len(known) > 0 {
		e.Better = known[0]
	}
	return e
}

// stillServing reports whether the grant of s is still the present one, the arc is synced, and key
// is in it.
func (n *Node) stillServing(s *chord.Snapshot, key ring.Key) bool {
	now := n.ring.Snapshot()
	return !now.Leaving && now.Grants.Synced && now.Grants.Grant == s.Grants.Grant && now.Grants.Owns(key)
}

// refused tells the arc that the witness no longer accepts this node as the owner under g.
func (n *Node) refused(g replica.Grant) {
	n.ring.Refused(g)
}

// changed waits until the snapshot is another than s, or a short time has passed.
func (n *Node) changed(ctx context.Context, s *chord.Snapshot) error {
	if err := n.env.Wait(ctx, n.cfg.Heartbeat/10, s.Next); !errors.Is(err, env.ErrElapsed) {
		return err
	}
	return nil
}

// copiesOf is how many copies a record should have.
func (n *Node) copiesOf(b *pb.RecordBody) int {
	if c := int(b.GetCopies()); c > 0 {
		return c
	}
	return n.cfg.Copies
}

// peerID is the libp2p identity of the node at p.
func peerID(p ring.Position) peer.ID { return peer.ID(p.ID) }

// distinct adds to nodes those of more that are new and not this node.
func (n *Node) distinct(nodes []ring.Position, more ...ring.Position) []ring.Position {
	for _, p := range more {
		if p.IsNode() && p != n.self && !slices.Contains(nodes, p) {
			nodes = append(nodes, p)
		}
	}
	return nodes
}

// ownerOf returns the owner of key. It asks the ring.
func (n *Node) ownerOf(ctx context.Context, key ring.Key) (peer.ID, error) {
	o, err := n.cfg.Router.Locate(ctx, key)
	return o.ID, err
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

// guess returns the owner of key in the present view. A wrong guess costs a request: the peer asked
// checks it.
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

// mayPass reports whether the same request may succeed later.
func mayPass(err error) bool {
	switch fault.CodeOf(err) {
	case fault.TryAgain, fault.NotOwner, fault.NotSuccessor, fault.Refused, fault.Busy, fault.Uncertain, fault.Unreachable:
		return true
	default:
		return errors.Is(err, protocol.ErrNoAnswer)
	}
}
