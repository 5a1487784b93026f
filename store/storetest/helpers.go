package storetest

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/p2pchord/p2pchord/store"
)

// Check ends the test on an error.
func Check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Is fails the test when err is not of the kind want.
func Is(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

// Equal fails the test when got is not want.
func Equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// Same fails the test when two lists of entries differ. A nil Value is an empty one.
func Same(t testing.TB, got, want []store.Entry) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("got %d entries, want %d", len(got), len(want))
		return
	}
	for i := range got {
		a, b := got[i], want[i]
		if a.Place != b.Place || a.Stamp != b.Stamp || !bytes.Equal(a.Value, b.Value) || a.Block != b.Block ||
			a.Size != b.Size || a.Counted != b.Counted || a.Complete != b.Complete {
			t.Errorf("entry %d: got %+v, want %+v", i, a, b)
			return
		}
	}
}

// Bytes returns n bytes that depend on seed.
func Bytes(seed uint64, n int) []byte {
	var key [32]byte
	key[0], key[1], key[2], key[3] = byte(seed), byte(seed>>8), byte(seed>>16), byte(seed>>24)
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(b) // never fails
	return b
}

// Stage stages data.
func Stage(t testing.TB, s store.API, data []byte) store.Staged {
	t.Helper()
	g, err := s.Stage(t.Context(), int64(len(data)), bytes.NewReader(data))
	Check(t, err)
	return g
}

// Put makes one entry the only one at a place, with data as its block; nil is no block.
func Put(t testing.TB, s store.API, at store.Place, stamp string, data []byte) store.Entry {
	t.Helper()
	e := store.Entry{Stamp: stamp, Value: []byte("value " + stamp), Counted: true}
	var with []store.Staged
	if data != nil {
		g := Stage(t, s, data)
		e.Block, e.Size = g.Hash(), g.Size()
		with = append(with, g)
	}
	es, err := s.Update(t.Context(), at, func([]store.Entry) ([]store.Entry, error) { return []store.Entry{e}, nil }, with...)
	Check(t, err)
	return es[0]
}

// Remove removes all entries at a place.
func Remove(t testing.TB, s store.API, at store.Place) {
	t.Helper()
	_, err := s.Update(t.Context(), at, func([]store.Entry) ([]store.Entry, error) { return nil, nil })
	Check(t, err)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// piecemeal gives at most 1,000 bytes with each Read.
type piecemeal struct{ r io.Reader }

func (o piecemeal) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 1000)]) }
