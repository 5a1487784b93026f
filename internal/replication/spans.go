package replication

import (
	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// keySpan returns the keys whose file positions lie in the arc (from, to]. ok is
// false when there are none. A node with from == to owns all.
func keySpan(from, to ring.Position) (span store.Span, ok bool) {
	switch {
	case from == to:
		return store.Span{First: uint16(from.Key) + 1, Last: uint16(from.Key)}, true // all, wrapping
	case from.Key == to.Key && from.Compare(to) < 0:
		return store.Span{}, false // two nodes of one key: nothing lies between them
	default:
		return store.Span{First: uint16(from.Key) + 1, Last: uint16(to.Key)}, true
	}
}

// arcSpans returns the keys of the node's own arc as spans that don't wrap, in
// clockwise order, so that a cursor within them is well defined.
func arcSpans(s *chord.Snapshot) []store.Span {
	from := s.Grants.Neighbors.Pred
	if !from.IsNode() {
		if !s.Grants.Alone() {
			return nil
		}
		from = s.Grants.Neighbors.Self
	}
	span, ok := keySpan(from, s.Grants.Neighbors.Self)
	if !ok {
		return nil
	}
	return unwrap(span)
}

// unwrap splits a span that wraps into its two parts.
func unwrap(s store.Span) []store.Span {
	if s.First <= s.Last {
		return []store.Span{s}
	}
	return []store.Span{{First: s.First, Last: 0xffff}, {First: 0, Last: s.Last}}
}

// everything is all keys.
var everything = store.Span{First: 0, Last: 0xffff}

// covers reports whether all keys of inner lie in outer.
func covers(outer, inner store.Span) bool {
	if outer.Last+1 == outer.First {
		return true
	}
	return int(inner.First-outer.First)+int(inner.Last-inner.First) <= int(outer.Last-outer.First)
}

// contains reports whether key lies in the span.
func contains(s store.Span, key uint16) bool {
	if s.First <= s.Last {
		return s.First <= key && key <= s.Last
	}
	return key >= s.First || key <= s.Last
}

// afterIn returns the cursor as far as it concerns span.
func afterIn(span store.Span, after *store.Entry) *store.Entry {
	if after == nil || !contains(span, after.Key) {
		return nil
	}
	return after
}
