package replication

import (
	"testing"

	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// What lacks copies is counted from the moment it is known until every holder has been found to
// agree.
func TestCopyHealthCounts(t *testing.T) {
	t.Parallel()
	a, b, other := ring.Position{Key: 1, ID: "a"}, ring.Position{Key: 2, ID: "b"}, ring.Position{Key: 3, ID: "c"}
	h := newCopyHealth()
	want := func(what string, behind, missing int) {
		t.Helper()
		if x, y := h.counts(); x != behind || y != missing {
			t.Errorf("%s: %d behind and %d missing, want %d and %d", what, x, y, behind, missing)
		}
	}
	want("nothing is known", 0, 0)
	h.expect([]ring.Position{a, b})
	want("two holders, not compared with", 2, 0)
	h.compared(a, 5)
	h.compared(other, 9) // no holder
	want("one differs under five keys", 2, 5)
	h.compared(a, 2)
	h.wrote(store.Place{Name: "x"})
	want("three have been given, and one was written", 2, 3)
	h.agreed(a)
	want("one agrees", 1, 1)
	h.compared(b, 1)
	h.expect([]ring.Position{a})
	want("the other is no holder any more", 0, 1)
	h.agreed(a)
	want("all agree", 0, 0)
}
