package node

import (
	"context"

	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// confirmHeld reports whether synced owners confirm now all that this node holds: for its own arc its predecessor
// stands by the grant, in the arcs that it holds for others their owners have all that is here, and there are no strays.
func (n *Node) confirmHeld(ctx context.Context, s *snapshot) bool {
	if !s.view.Joined() || s.leaving || !s.grants.Synced || s.grants.Degraded {
		return false
	}
	if s.grants.Alone() {
		return true
	}
	if !s.view.Incorporated() || len(n.strays()) > 0 || !n.grantStands(ctx, s) {
		return false
	}
	for _, a := range n.heldArcs(s) {
		if span, ok := keySpan(a.from, a.owner); ok && !n.confirmedBy(ctx, a.owner, span) {
			return false
		}
	}
	now := n.state.Load()
	return now.grants.Synced && now.grants.Grant == s.grants.Grant && now.view == s.view
}

// arc is the arc of another node.
type arc struct{ from, owner ring.Position }

// heldArcs are the arcs of others of which this node holds copies: its successor's, and those of its nearest predecessors.
func (n *Node) heldArcs(s *snapshot) []arc {
	var out []arc
	if succs := s.view.Successors(); len(succs) > 0 {
		out = append(out, arc{n.self, succs[0]})
	}
	preds := s.view.Predecessors()
	for i, p := range preds {
		if i+1 >= max(n.cfg.Copies, n.health.wanted(), 2) {
			break
		}
		if i+1 < len(preds) {
			out = append(out, arc{preds[i+1], p})
		}
	}
	return out
}

// confirmedBy reports whether owner is the synced owner of span and has every file's record that is here, or one that replaced it.
func (n *Node) confirmedBy(ctx context.Context, owner ring.Position, span store.Span) bool {
	one, err := n.someRecord(span)
	switch {
	case err != nil:
		return false
	case one == nil:
		return n.serves(ctx, owner)
	}
	keys, err := n.differingKeys(ctx, owner, span)
	if err != nil {
		return false
	}
	d, err := n.compare(ctx, owner, keys)
	if err != nil {
		return false
	}
	ask := []*pb.Item{item(*one)}
	for _, e := range d.ours {
		if e.Index == 0 && len(ask) < maxInventory {
			ask = append(ask, item(e))
		}
	}
	r, err := n.call(ctx, peerID(owner), &pb.FileRequest{Body: &pb.FileRequest_Release{Release: &pb.Release{Items: ask}}}, nil)
	if err != nil {
		return false
	}
	defer r.close()
	for _, v := range r.GetReleased().GetVerdicts() {
		if v != pb.Verdict_HOLDER && v != pb.Verdict_DROP {
			return false // the owner lacks it, or can't tell
		}
	}
	return len(d.ours) < maxInventory
}

// serves reports whether owner is synced. One that is not may have yet to take in what was set aside, and
// may do so only as long as nobody says that it has been a holder all the while.
func (n *Node) serves(ctx context.Context, owner ring.Position) bool {
	r, err := n.call(ctx, peerID(owner), &pb.FileRequest{Body: &pb.FileRequest_List{List: &pb.List{Limit: 1}}}, nil)
	if err != nil {
		return false
	}
	r.close()
	return true
}

// someRecord returns one of the files' records in a span, nil if there is none.
func (n *Node) someRecord(span store.Span) (found *store.Entry, err error) {
	err = n.store.Scan(span, nil, func(e store.Entry) bool {
		if e.Index == 0 && e.Counted {
			found = &e
		}
		return found == nil
	})
	return found, err
}
