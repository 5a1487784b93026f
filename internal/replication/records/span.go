package records

import (
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// KeySpan returns the keys whose file positions lie in the arc (from, to]. ok is false if there are
// none. If from is to, the arc is the whole ring.
func KeySpan(from, to ring.Position) (span store.Span, ok bool) {
	switch {
	case from == to:
		// All, wrapping.
		return store.Span{First: uint16(from.Key) + 1, Last: uint16(from.Key)}, true
	case from.Key == to.Key && from.Compare(to) < 0:
		return store.Span{}, false // two nodes of one key: nothing lies between them
	default:
		return store.Span{First: uint16(from.Key) + 1, Last: uint16(to.Key)}, true
	}
}

// Unwrap splits a span that wraps into its two parts.
func Unwrap(s store.Span) []store.Span {
	if s.First <= s.Last {
		return []store.Span{s}
	}
	return []store.Span{{First: s.First, Last: 0xffff}, {First: 0, Last: s.Last}}
}

// Everything is all keys.
var Everything = store.Span{First: 0, Last: 0xffff}

// Covers reports whether all keys of inner lie in outer.
func Covers(outer, inner store.Span) bool {
	if outer.Last+1 == outer.First {
		return true
	}
	return int(inner.First-outer.First)+int(inner.Last-inner.First) <= int(outer.Last-outer.First)
}

// Contains reports whether key lies in the span.
func Contains(s store.Span, key uint16) bool {
	if s.First <= s.Last {
		return s.First <= key && key <= s.Last
	}
	return key >= s.First || key <= s.Last
}

// AfterIn returns the cursor as far as it concerns span.
func AfterIn(span store.Span, after *store.Entry) *store.Entry {
	if after == nil || !Contains(span, after.Key) {
		return nil
	}
	return after
}

// Touches reports whether any key of the row lies in span.
func Touches(span store.Span, row int) bool {
	for _, part := range Unwrap(span) {
		if int(part.First>>8) <= row && row <= int(part.Last>>8) {
			return true
		}
	}
	return false
}
