package localblocks

import (
	"bytes"
	"testing"

	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/store"
)

func buffer(t *testing.T, text string) *membudget.Buffer {
	t.Helper()
	b, err := membudget.New(0).Take(t.Context(), membudget.User, len(text))
	if err != nil {
		t.Fatal(err)
	}
	copy(b.Data, text)
	return b
}

// A block in hand can be taken while its put is under way, stays whole until the last
// who took it has released it, and is gone afterwards.
func TestInHand(t *testing.T) {
	t.Parallel()
	var h inFlight
	one, two := store.Hash{1}, store.Hash{2}
	release := h.hold(one, buffer(t, "whole"))
	if h.take(two) != nil {
		t.Error("a block that nobody holds was taken")
	}
	b := h.take(one)
	if b == nil {
		t.Fatal("a block in hand can't be taken")
	}
	release()
	if h.take(one) != nil {
		t.Error("it can be taken after its put has ended")
	}
	if !bytes.HasPrefix(b.Bytes(), []byte("whole")) || b.hash != one {
		t.Error("what was taken has changed when the put ended")
	}
	b.Release()
}

// Two puts of equal bytes hold one hash; the end of the first does not take the second's away.
func TestInHandOfTwoPuts(t *testing.T) {
	t.Parallel()
	var h inFlight
	hash := store.Hash{1}
	first := h.hold(hash, buffer(t, "equal"))
	second := h.hold(hash, buffer(t, "equal"))
	first()
	b := h.take(hash)
	if b == nil {
		t.Fatal("the second put's block can't be taken")
	}
	b.Release()
	second()
	if h.take(hash) != nil {
		t.Error("it can be taken after both have ended")
	}
}
