package node

import (
	"context"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// serving waits until this node may serve key, and returns the snapshot under which
// it may. A key of somebody else's arc is answered with whom to ask instead.
func (n *Node) serving(ctx context.Context, key ring.Key) (*snapshot, error) {
	wait := time.NewTimer(n.cfg.Timeout / 2)
	defer wait.Stop()
	for {
		s := n.state.Load()
		switch {
		case s.leaving:
			return nil, n.elsewhere(s.view.Successors())
		case s.aside:
			return nil, n.elsewhere(s.view.Next(key))
		case s.grants.Owns(key) && s.grants.Synced:
			return s, nil
		case !s.grants.Owns(key) && s.view.Joined() && s.grants.Neighbors.Pred.IsNode():
			return nil, n.elsewhere(s.view.Next(key))
		}
		select {
		case <-s.next:
		case <-wait.C:
			return nil, fault.New(fault.TryAgain, "this part of the ring is changing (%s); try again", s.grants.Why)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// synced waits until this node may serve its arc, whatever that is.
func (n *Node) synced(ctx context.Context) (*snapshot, error) {
	wait := time.NewTimer(n.cfg.Timeout / 2)
	defer wait.Stop()
	for {
		s := n.state.Load()
		if s.leaving || s.aside {
			return nil, n.elsewhere(s.view.Successors())
		}
		if s.grants.Synced {
			return s, nil
		}
		select {
		case <-s.next:
		case <-wait.C:
			return nil, fault.New(fault.TryAgain, "this part of the ring is changing (%s); try again", s.grants.Why)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// elsewhere is the answer "not the owner", with the first of better as the one to ask.
func (n *Node) elsewhere(better []ring.Position) error {
	e := &protocol.Elsewhere{Code: fault.NotOwner}
	if known := n.book.messages(better[:min(1, len(better))]); len(known) > 0 {
		e.Better = known[0]
	}
	return e
}

// stillServing reports whether what was true in s is true now: the same grant, the arc still synced and the key still in it.
func (n *Node) stillServing(s *snapshot, key ring.Key) bool {
	now := n.state.Load()
	return !now.leaving && now.grants.Synced && now.grants.Grant == s.grants.Grant && now.grants.Owns(key)
}

// refused tells the arc that the witness no longer accepts this node as the owner under g.
func (n *Node) refused(g replica.Grant) {
	n.arcEvent(func(a *replica.Arc) []replica.Action { return a.Refused(g) })
}

// changed waits until the snapshot is another than s, or a short time has passed.
func (n *Node) changed(ctx context.Context, s *snapshot) error {
	wait := time.NewTimer(n.cfg.Heartbeat / 10)
	defer wait.Stop()
	select {
	case <-s.next:
		return nil
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// copiesOf is how many copies a record shall have.
func (n *Node) copiesOf(rec *protocol.Record) int {
	if c := int(rec.GetCopies()); c > 0 {
		return c
	}
	return n.cfg.Copies
}

// others returns the holders of key other than this node, the witness first.
func (n *Node) others(s *snapshot, key ring.Key, copies int) []ring.Position {
	var out []ring.Position
	if w := s.grants.Grant.From; w.IsNode() && w != n.self {
		out = append(out, w)
	}
	holders, _ := s.view.Holders(key, copies)
	for _, h := range holders {
		if h != n.self && (len(out) == 0 || h != out[0]) && len(out) < copies-1 {
			out = append(out, h)
		}
	}
	return out
}

func grantMessage(id replica.GrantID) *pb.GrantID {
	return &pb.GrantID{Nonce: id.Nonce, Counter: id.Counter}
}

func grantID(m *pb.GrantID) replica.GrantID {
	return replica.GrantID{Nonce: m.GetNonce(), Counter: m.GetCounter()}
}
