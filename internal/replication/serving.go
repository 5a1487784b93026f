package replication

import (
	"context"
	"errors"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// serving waits until this node may serve key, and returns the snapshot under which
// it may. A key of somebody else's arc is answered with whom to ask instead.
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

// synced waits until this node may serve its arc, whatever that is.
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

// elsewhere is the answer "not the owner", with the first of better as the one to ask.
func (n *Node) elsewhere(better []ring.Position) error {
	e := &protocol.Elsewhere{Code: fault.NotOwner}
	if known := n.peers.Describe(better[:min(1, len(better))]); len(known) > 0 {
		e.Better = known[0]
	}
	return e
}

// stillServing reports whether what was true in s is true now: the same grant, the arc still synced and the key still in it.
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

// copiesOf is how many copies a record shall have.
func (n *Node) copiesOf(b *pb.RecordBody) int {
	if c := int(b.GetCopies()); c > 0 {
		return c
	}
	return n.cfg.Copies
}

// others returns the holders of key other than this node, the witness first.
func (n *Node) others(s *chord.Snapshot, key ring.Key, copies int) []ring.Position {
	var out []ring.Position
	if w := s.Grants.Grant.From; w.IsNode() && w != n.self {
		out = append(out, w)
	}
	holders, _ := s.View.Holders(key, copies)
	for _, h := range holders {
		if h != n.self && (len(out) == 0 || h != out[0]) && len(out) < copies-1 {
			out = append(out, h)
		}
	}
	return out
}
