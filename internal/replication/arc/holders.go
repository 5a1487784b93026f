package arc

import (
	"slices"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// Copies is how many copies a record should have.
func (a *Arc) Copies(b *pb.RecordBody) int {
	if c := int(b.GetCopies()); c > 0 {
		return c
	}
	return a.cfg.Copies
}

// Holders are the peers that hold a record of this node's arc, this node first.
func (a *Arc) Holders(s *chord.Snapshot, k records.Stored) []ring.Position {
	hs, _ := s.View.Holders(ring.Key(k.Entry.Key), a.Copies(k.RecordBody))
	if len(hs) == 0 {
		hs = []ring.Position{a.cfg.Self}
	}
	return hs
}

// Others returns the holders of key other than this node, the witness first.
func (a *Arc) Others(s *chord.Snapshot, key ring.Key, copies int) []ring.Position {
	var out []ring.Position
	if w := s.Grants.Grant.From; w.IsNode() && w != a.cfg.Self {
		out = append(out, w)
	}
	holders, _ := s.View.Holders(key, copies)
	for _, h := range holders {
		if h != a.cfg.Self && (len(out) == 0 || h != out[0]) && len(out) < copies-1 {
			out = append(out, h)
		}
	}
	return out
}

// AllHolders are all other peers that hold a part of this node's arc: as many as the default of the
// ring, or more if the store has records that want more.
func (a *Arc) AllHolders(s *chord.Snapshot) []ring.Position {
	return a.Nearest(s, max(a.cfg.Copies, a.cfg.MostCopies()))
}

// Nearest are the other peers that would hold a part of this node's arc with so many copies.
func (a *Arc) Nearest(s *chord.Snapshot, copies int) (out []ring.Position) {
	holders, _ := s.View.Holders(a.cfg.Self.Key, copies)
	for _, p := range holders {
		if p.IsNode() && p != a.cfg.Self && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// Spans returns the keys of the node's own arc as spans that don't wrap, in clockwise order, so
// that a cursor within them is well defined.
func Spans(s *chord.Snapshot) []store.Span {
	from := s.Grants.Neighbors.Pred
	if !from.IsNode() {
		if !s.Grants.Alone() {
			return nil
		}
		from = s.Grants.Neighbors.Self
	}
	span, ok := records.KeySpan(from, s.Grants.Neighbors.Self)
	if !ok {
		return nil
	}
	return records.Unwrap(span)
}
