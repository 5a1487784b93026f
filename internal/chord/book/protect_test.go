package book

import (
	"testing"

	"github.com/p2pchord/p2pchord/internal/chord/book/booktest"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/ring"
)

func TestOnlyNeighborsAreProtected(t *testing.T) {
	t.Parallel()
	h := testHost(t, p2phost.Peer)
	b := New(h, protocol.Ring{}, nil)
	first, err := b.Learn(booktest.MadeUp(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.Learn(booktest.MadeUp(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	p := NewProtection(b)
	for _, c := range []struct {
		neighbors     []ring.Position
		first, second bool
	}{
		{[]ring.Position{first.Position}, true, false},
		{[]ring.Position{first.Position, second.Position}, true, true},
		{[]ring.Position{second.Position}, false, true},
		{nil, false, false},
	} {
		p.Set(c.neighbors)
		if got := h.ConnManager().IsProtected(first.ID, protectTag); got != c.first {
			t.Errorf("%v: the first is protected: %t", c.neighbors, got)
		}
		if got := h.ConnManager().IsProtected(second.ID, protectTag); got != c.second {
			t.Errorf("%v: the second is protected: %t", c.neighbors, got)
		}
	}
}
