package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/p2pchord/p2pchord/store"
)

func testStageSizes(t *testing.T, open Open) {
	s := open(t, store.Options{})
	for _, n := range Sizes {
		data := Bytes(5, n)
		g, err := s.Stage(t.Context(), -1, piecemeal{bytes.NewReader(data)})
		Check(t, err)
		Equal(t, "size", int(g.Size()), n)
		Equal(t, "hash", g.Hash(), Stage(t, s, data).Hash())
		_, err = s.Stage(t.Context(), int64(n+1), bytes.NewReader(data))
		Is(t, err, store.ErrShort)
		if n > 0 {
			_, err = s.Stage(t.Context(), int64(n-1), bytes.NewReader(data))
			Is(t, err, store.ErrShort)
		}
		broken := errors.New("broken")
		_, err = s.Stage(t.Context(), -1, io.MultiReader(bytes.NewReader(data), failing{broken}))
		Is(t, err, broken)
	}
	_, err := s.Stage(t.Context(), store.MaxBlock+1, bytes.NewReader(nil))
	Is(t, err, store.ErrTooLarge)
	_, err = s.Stage(t.Context(), -1, io.LimitReader(zeros{}, store.MaxBlock+1))
	Is(t, err, store.ErrTooLarge)
	g, err := s.Stage(t.Context(), -1, io.LimitReader(zeros{}, store.MaxBlock))
	Check(t, err)
	Equal(t, "size", g.Size(), store.MaxBlock)
	g.Discard()
}

func testStaged(t *testing.T, open Open) {
	s, other := open(t, store.Options{}), open(t, store.Options{})
	at := store.Place{Name: "a"}
	name := func(g store.Staged) func([]store.Entry) ([]store.Entry, error) {
		return func([]store.Entry) ([]store.Entry, error) {
			return []store.Entry{{Stamp: "1", Block: g.Hash(), Size: g.Size()}}, nil
		}
	}
	for _, n := range Sizes[1:] {
		g := Stage(t, s, Bytes(1, n))
		_, err := other.Update(t.Context(), at, name(g), g)
		if err == nil {
			t.Error("bytes staged elsewhere are taken")
		}
		// An Update that fails leaves them.
		no := errors.New("no")
		_, err = s.Update(t.Context(), at, func([]store.Entry) ([]store.Entry, error) { return nil, no }, g)
		Is(t, err, no)
		es, err := s.Update(t.Context(), at, name(g), g)
		Check(t, err)
		Equal(t, "complete", es[0].Complete, true)
		if _, err := s.Update(t.Context(), at, name(g), g); err == nil {
			t.Error("bytes are taken twice")
		}
		g.Discard()
		if _, err := s.Read(t.Context(), g.Hash(), nil); err != nil {
			t.Errorf("discarding bytes that are taken removed them: %v", err)
		}
		d := Stage(t, s, Bytes(2, n))
		d.Discard()
		d.Discard()
		if _, err := s.Update(t.Context(), at, name(d), d); err == nil {
			t.Error("discarded bytes are taken")
		}
		Remove(t, s, at)
	}
}

func testCapacity(t *testing.T, open Open) {
	const capacity = 1 << 20
	s := open(t, store.Options{Capacity: capacity})
	Equal(t, "capacity", s.Usage().CapacityBytes, capacity)
	_, err := s.Stage(t.Context(), capacity+1, failing{errors.New("it is read")})
	Is(t, err, store.ErrNoSpace)
	held := Stage(t, s, Bytes(1, 600<<10))
	_, err = s.Stage(t.Context(), 600<<10, failing{errors.New("it is read")})
	Is(t, err, store.ErrNoSpace) // what is staged counts
	_, err = s.Stage(t.Context(), -1, bytes.NewReader(Bytes(2, 600<<10)))
	Is(t, err, store.ErrNoSpace)
	held.Discard()
	at := store.Place{Name: "a"}
	e := Put(t, s, at, "1", Bytes(1, 900<<10))
	_, err = s.Stage(t.Context(), 200<<10, failing{errors.New("it is read")})
	Is(t, err, store.ErrNoSpace)
	// A full store serves, takes entries, and deletes.
	_, err = s.Read(t.Context(), e.Block, nil)
	Check(t, err)
	Put(t, s, store.Place{Name: "tombstone"}, "1", nil)
	Remove(t, s, at)
	Put(t, s, at, "2", Bytes(2, 900<<10))
}

// testEntriesCount fills a store with entries: the capacity bounds them, and leaves room for what
// is more urgent.
func testEntriesCount(t *testing.T, open Open) {
	const capacity = 1 << 20
	s := open(t, store.Options{Capacity: capacity})
	put := func(name string, p store.Purpose, size int) error {
		_, err := s.Update(t.Context(), store.Place{Name: name}, func([]store.Entry) ([]store.Entry, error) {
			return []store.Entry{{Stamp: "1", Value: Bytes(1, size), Purpose: p}}, nil
		})
		return err
	}
	g := Stage(t, s, Bytes(2, 100<<10)) // what is staged counts
	before := int64(0)
	for p := store.New; p <= store.Delete; p++ {
		n := 0
		for ; n < 10_000; n++ {
			if err := put(fmt.Sprint(p, n), p, 4<<10); err != nil {
				Is(t, err, store.ErrNoSpace)
				break
			}
		}
		used := s.Usage().UsedBytes
		if n == 0 || n == 10_000 || used <= before || used > capacity-100<<10 {
			t.Errorf("%d entries of purpose %d are taken, %d bytes used", n, p, used)
		}
		before = used
	}
	// What shrinks, or goes, is always possible.
	Check(t, put("0 0", store.New, 1<<10))
	Remove(t, s, store.Place{Name: "0 1"})
	g.Discard()
	Check(t, put("big", store.Copy, 60<<10))
	// Many that come at once don't go beyond it, and those that fit are not refused for what others
	// have reserved.
	full := open(t, store.Options{Capacity: capacity})
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			at := store.Place{Name: fmt.Sprint(i)}
			g, err := full.Stage(t.Context(), -1, bytes.NewReader(Bytes(uint64(i), 50<<10))) //nolint:gosec // small
			if err != nil {
				t.Errorf("block %d: %v", i, err)
				return
			}
			if _, err := full.Update(t.Context(), at, func([]store.Entry) ([]store.Entry, error) {
				return []store.Entry{{Stamp: "1", Block: g.Hash(), Size: g.Size()}}, nil
			}, g); err != nil {
				t.Errorf("entry %d: %v", i, err)
			}
		})
	}
	wg.Wait()
}

func testMany(t *testing.T, open Open) {
	s := open(t, store.Options{})
	const callers, each = 8, 25
	shared := store.Place{Key: 1, Name: "counter"}
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range each {
				_, err := s.Update(t.Context(), shared, func(old []store.Entry) ([]store.Entry, error) {
					return append(old, store.Entry{Stamp: fmt.Sprintf("%d-%d", c, i), Counted: true}), nil
				})
				if err != nil {
					t.Error(err)
				}
				// The same few blocks come and go everywhere.
				at := store.Place{Key: uint16(c), Name: "own"}
				data := Bytes(uint64(i%3), Sizes[1+i%(len(Sizes)-1)])
				g, err := s.Stage(t.Context(), int64(len(data)), bytes.NewReader(data))
				if err != nil {
					t.Error(err)
					return
				}
				es, err := s.Update(t.Context(), at, func([]store.Entry) ([]store.Entry, error) {
					return []store.Entry{{Stamp: "1", Block: g.Hash(), Size: g.Size()}}, nil
				}, g)
				if err != nil || !es[0].Complete {
					t.Errorf("update: %v, %v", es, err)
					return
				}
				if got, err := s.Read(t.Context(), g.Hash(), nil); err != nil || !bytes.Equal(got, data) {
					t.Errorf("read: %v", err)
				}
			}
		})
	}
	wg.Wait()
	es, err := s.Entries(shared)
	Check(t, err)
	Equal(t, "updates", len(es), callers*each)
	n, _, err := s.Verify(t.Context(), func(h store.Hash, err error) { t.Errorf("%x: %v", h, err) })
	Check(t, err)
	Equal(t, "blocks", int64(n), s.Usage().Blocks)
}

func testClosed(t *testing.T, open Open) {
	s := open(t, store.Options{})
	g := Stage(t, s, Bytes(1, 1<<20))
	Check(t, s.Close())
	Check(t, s.Close())
	g.Discard()
	_, err := s.Stage(t.Context(), 1, bytes.NewReader([]byte{1}))
	Is(t, err, store.ErrClosed)
	_, err = s.Update(t.Context(), store.Place{Name: "a"}, func([]store.Entry) ([]store.Entry, error) { return nil, nil })
	Is(t, err, store.ErrClosed)
	_, err = s.Entries(store.Place{Name: "a"})
	Is(t, err, store.ErrClosed)
	_, err = s.Missing(1)
	Is(t, err, store.ErrClosed)
	_, err = s.Has(store.Hash{1})
	Is(t, err, store.ErrClosed)
	_, err = s.Read(t.Context(), store.Hash{1}, nil)
	Is(t, err, store.ErrClosed)
	Is(t, s.Scan(store.Span{}, nil, func(store.Entry) bool { return true }), store.ErrClosed)
}
