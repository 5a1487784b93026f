package storetest

import (
	"bytes"
	"io"
	"testing"

	"github.com/p2pchord/p2pchord/store"
)

// testDirect takes blocks in that are hashed already, and reads them as they stand.
func testDirect(t *testing.T, open Open) {
	s := open(t, store.Options{})
	for i := range 2 * len(Sizes) {
		n, use := Sizes[i/2], store.Use(i%2 == 1)
		data := Bytes(uint64(i), n) //nolint:gosec // small
		want := Stage(t, s, data)
		want.Discard()
		handed := bytes.Clone(data)
		g, err := s.StageKnown(t.Context(), handed, want.Hash(), use)
		Check(t, err)
		clear(handed) // the caller uses its memory for something else
		Equal(t, "hash", g.Hash(), want.Hash())
		Equal(t, "size", int(g.Size()), n)
		at := store.Place{Name: "direct", Index: uint32(i)} //nolint:gosec // small
		_, err = s.Update(t.Context(), at, func([]store.Entry) ([]store.Entry, error) {
			return []store.Entry{{Stamp: "1", Block: g.Hash(), Size: g.Size()}}, nil
		}, g)
		Check(t, err)
		for _, by := range []store.Reader{store.Repair, store.User, store.User, store.User, store.User} {
			r, size, err := s.Raw(g.Hash(), by)
			Check(t, err)
			Equal(t, "size", size, n)
			got, err := io.ReadAll(r)
			Check(t, err)
			Check(t, r.Close())
			if !bytes.Equal(got, data) {
				t.Errorf("%d bytes are read as others", n)
			}
		}
	}
	_, _, err := s.Raw(store.Hash{1}, store.User)
	Is(t, err, store.ErrNotHere)
	_, err = s.StageKnown(t.Context(), make([]byte, store.MaxBlock+1), store.Hash{1}, store.Warm)
	Is(t, err, store.ErrTooLarge)
	Check(t, s.Close())
	_, _, err = s.Raw(store.Hash{1}, store.User)
	Is(t, err, store.ErrClosed)
	_, err = s.StageKnown(t.Context(), []byte("x"), store.Hash{1}, store.Cold)
	Is(t, err, store.ErrClosed)
}
