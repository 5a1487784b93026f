// Package storetest is the one suite of tests that every implementation of the store
// passes. It knows only store.API, and starts goroutines only inside a test.
package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/store"
)

// Open makes an empty store with the options; the test that asks for it ends before it is closed.
type Open func(t *testing.T, opts store.Options) store.API

// Run runs the suite, each test in parallel.
func Run(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Open)
	}{
		{"empty", testEmpty},
		{"update", testUpdate},
		{"update refused", testUpdateRefused},
		{"update runs once", testUpdateOnce},
		{"blocks", testBlocks},
		{"blocks, direct", testDirect},
		{"equal bytes once", testEqualBytes},
		{"old version's block goes", testReplace},
		{"missing and supply", testMissing},
		{"scan", testScan},
		{"sums", testSums},
		{"stage sizes", testStageSizes},
		{"staged bytes", testStaged},
		{"capacity", testCapacity},
		{"entries count", testEntriesCount},
		{"many at once", testMany},
		{"closed", testClosed},
		{"random operations", testRandom},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, open)
		})
	}
}

func testEmpty(t *testing.T, open Open) {
	s := open(t, store.Options{})
	es, err := s.Entries(store.Place{Name: "a"})
	Check(t, err)
	Equal(t, "entries", len(es), 0)
	has, err := s.Has(store.Hash{1})
	Check(t, err)
	Equal(t, "has", has, false)
	_, err = s.Read(t.Context(), store.Hash{1}, nil)
	Is(t, err, store.ErrNotHere)
	Equal(t, "rows", s.Rows(), [256]store.Sum{})
	Equal(t, "entries", s.Usage().Entries, 0)
}

func testUpdate(t *testing.T, open Open) {
	s := open(t, store.Options{})
	at := store.Place{Key: 0x1234, Name: "dir/naïve name", Index: 7}
	_, err := s.Update(t.Context(), at, func(old []store.Entry) ([]store.Entry, error) {
		if len(old) != 0 {
			t.Errorf("%d entries in an empty place", len(old))
		}
		// In the wrong order, and one with another place.
		return []store.Entry{
			{Stamp: "b", Value: []byte("two"), Counted: true},
			{Place: store.Place{Name: "elsewhere"}, Stamp: "a", Value: nil},
		}, nil
	})
	Check(t, err)
	es, err := s.Update(t.Context(), at, func(old []store.Entry) ([]store.Entry, error) {
		Equal(t, "entries seen", len(old), 2)
		old[0].Value = []byte("one")
		return append(old, store.Entry{Stamp: "c\x00\xff", Size: 3}), nil
	})
	Check(t, err)
	again, err := s.Entries(at)
	Check(t, err)
	Same(t, es, again)
	want := []store.Entry{
		{Place: at, Stamp: "a", Value: []byte("one"), Complete: true},
		{Place: at, Stamp: "b", Value: []byte("two"), Counted: true, Complete: true},
		{Place: at, Stamp: "c\x00\xff", Size: 3, Complete: true},
	}
	Same(t, es, want)
	Equal(t, "entries", s.Usage().Entries, 3)
	for _, other := range []store.Place{{Key: 0x1235, Name: at.Name, Index: 7}, {Key: 0x1234, Name: at.Name, Index: 8}, {Key: 0x1234, Name: at.Name + "x", Index: 7}} {
		es, err := s.Entries(other)
		Check(t, err)
		Equal(t, fmt.Sprint(other), len(es), 0)
	}
	es, err = s.Update(t.Context(), at, func([]store.Entry) ([]store.Entry, error) { return nil, nil })
	Check(t, err)
	Equal(t, "entries", len(es), 0)
	Equal(t, "entries", s.Usage().Entries, 0)
}

func testUpdateRefused(t *testing.T, open Open) {
	s := open(t, store.Options{})
	at := store.Place{Name: "a"}
	Put(t, s, at, "1", nil)
	no := errors.New("no")
	_, err := s.Update(t.Context(), at, func([]store.Entry) ([]store.Entry, error) { return nil, no })
	Is(t, err, no)
	for what, e := range map[string]store.Entry{
		"no stamp":   {},
		"long stamp": {Stamp: strings.Repeat("s", store.MaxStamp+1)},
		"same stamp": {Stamp: "1"},
		"long value": {Stamp: "2", Value: make([]byte, store.MaxValue+1)},
	} {
		_, err := s.Update(t.Context(), at, func(old []store.Entry) ([]store.Entry, error) { return append(old, e), nil })
		if err == nil {
			t.Errorf("%s: taken", what)
		}
	}
	for what, name := range map[string]string{"empty": "", "long": strings.Repeat("n", store.MaxName+1), "NUL": "a\x00b"} {
		_, err := s.Update(t.Context(), store.Place{Name: name}, func([]store.Entry) ([]store.Entry, error) { return nil, nil })
		if err == nil {
			t.Errorf("%s name: taken", what)
		}
	}
	es, err := s.Entries(at)
	Check(t, err)
	Equal(t, "entries", len(es), 1)
}

// Sizes are those of blocks that implementations may treat differently.
var Sizes = []int{0, 1, 4 << 10, 32 << 10, 32<<10 + 1, 1 << 20}

func testBlocks(t *testing.T, open Open) {
	s := open(t, store.Options{})
	for i, n := range Sizes {
		data := Bytes(uint64(i), n)
		e := Put(t, s, store.Place{Name: "block", Index: uint32(i)}, "1", data)
		Equal(t, "complete", e.Complete, true)
		Equal(t, "size", int(e.Size), n)
		for _, buf := range [][]byte{nil, make([]byte, 3), make([]byte, 2<<20)} {
			got, err := s.Read(t.Context(), e.Block, buf)
			Check(t, err)
			if !bytes.Equal(got, data) {
				t.Errorf("%d bytes are read as others", n)
			}
			if cap(buf) > n && n > 0 && &buf[0] != &got[0] {
				t.Errorf("%d bytes: the buffer is not used", n)
			}
		}
	}
	Equal(t, "blocks", s.Usage().Blocks, int64(len(Sizes)))
	n, size, err := s.Verify(t.Context(), func(h store.Hash, err error) { t.Errorf("%x: %v", h, err) })
	Check(t, err)
	Equal(t, "verified", n, len(Sizes))
	Equal(t, "verified bytes", size, int64(4<<10+64<<10+1<<20+2))
}

func testEqualBytes(t *testing.T, open Open) {
	s := open(t, store.Options{})
	for _, n := range Sizes {
		data := Bytes(99, n)
		one, two := store.Place{Name: fmt.Sprint("one", n)}, store.Place{Key: 9, Name: fmt.Sprint("two", n)}
		before := s.Usage().Blocks
		e := Put(t, s, one, "1", data)
		Put(t, s, two, "1", data)
		Equal(t, "blocks", s.Usage().Blocks-before, 1)
		Remove(t, s, one)
		got, err := s.Read(t.Context(), e.Block, nil)
		Check(t, err)
		Equal(t, "bytes", bytes.Equal(got, data), true)
		Remove(t, s, two)
		has, err := s.Has(e.Block)
		Check(t, err)
		Equal(t, "has", has, false)
		Equal(t, "blocks", s.Usage().Blocks, before)
	}
	Equal(t, "used", s.Usage().UsedBytes, 0)
}

func testReplace(t *testing.T, open Open) {
	s := open(t, store.Options{})
	at := store.Place{Name: "a"}
	for _, n := range Sizes {
		var last store.Entry
		for i := range 3 {
			e := Put(t, s, at, "1", Bytes(uint64(i), n))
			if has, err := s.Has(last.Block); err != nil || (has && last.Block != e.Block) {
				t.Errorf("size %d: old block here %v, %v", n, has, err)
			}
			last = e
		}
		Equal(t, "blocks", s.Usage().Blocks, 1)
	}
}

func testMissing(t *testing.T, open Open) {
	s := open(t, store.Options{})
	for _, n := range Sizes {
		data := Bytes(7, n)
		g := Stage(t, s, data)
		at, other := store.Place{Key: 3, Name: "a"}, store.Place{Key: 2, Name: "b"}
		for _, p := range []store.Place{at, other} {
			es, err := s.Update(t.Context(), p, func([]store.Entry) ([]store.Entry, error) {
				return []store.Entry{{Stamp: "1", Block: g.Hash(), Size: g.Size()}}, nil
			})
			Check(t, err)
			Equal(t, "complete", es[0].Complete, false)
		}
		es, err := s.Missing(10)
		Check(t, err)
		Equal(t, "missing", len(es), 2)
		es, err = s.Missing(1)
		Check(t, err)
		Equal(t, "missing", len(es), 1)
		_, err = s.Read(t.Context(), g.Hash(), nil)
		Is(t, err, store.ErrNotHere)
		Check(t, s.Supply(t.Context(), g))
		es, err = s.Missing(10)
		Check(t, err)
		Equal(t, "missing", len(es), 0)
		es, err = s.Entries(at)
		Check(t, err)
		Equal(t, "complete", es[0].Complete, true)
		got, err := s.Read(t.Context(), g.Hash(), nil)
		Check(t, err)
		Equal(t, "bytes", bytes.Equal(got, data), true)
		Remove(t, s, at)
		Remove(t, s, other)
		// Nobody names it: supplied bytes are dropped.
		Check(t, s.Supply(t.Context(), Stage(t, s, data)))
		has, err := s.Has(g.Hash())
		Check(t, err)
		Equal(t, "has", has, false)
	}
}

func testScan(t *testing.T, open Open) {
	s := open(t, store.Options{})
	var all []store.Entry
	for _, key := range []uint16{0, 1, 0x00ff, 0x0100, 0x8000, 0xffff} {
		for _, name := range []string{"a", "a\x01", "aa", "b", "\xff\xff"} {
			for _, index := range []uint32{0, 1, 256, 1 << 31} {
				for _, stamp := range []string{"1", "2"} {
					all = append(all, store.Entry{Place: store.Place{Key: key, Name: name, Index: index}, Stamp: stamp, Complete: true})
				}
			}
		}
	}
	for i := 0; i < len(all); i += 2 {
		_, err := s.Update(t.Context(), all[i].Place, func([]store.Entry) ([]store.Entry, error) {
			return []store.Entry{all[i+1], all[i]}, nil
		})
		Check(t, err)
	}
	in := func(span store.Span) (want []store.Entry) {
		if span.First <= span.Last {
			return within(all, span.First, span.Last)
		}
		return append(within(all, span.First, 0xffff), within(all, 0, span.Last)...)
	}
	for _, ends := range [][2]uint16{{0, 0xffff}, {0, 0}, {1, 0x0100}, {0xffff, 0}, {0x8000, 0x7fff}, {2, 0x80}, {0x8001, 0xff}} {
		span := store.Span{First: ends[0], Last: ends[1]}
		want := in(span)
		for _, page := range []int{1, 7, 1000} {
			var got []store.Entry
			var after *store.Entry
			for {
				n := 0
				Check(t, s.Scan(span, after, func(e store.Entry) bool {
					got = append(got, e)
					n++
					return n < page
				}))
				if n < page {
					break
				}
				after = &got[len(got)-1]
			}
			t.Run(fmt.Sprint(span, page), func(t *testing.T) { Same(t, got, want) })
		}
	}
}

func within(all []store.Entry, first, last uint16) (es []store.Entry) {
	for _, e := range all {
		if first <= e.Key && e.Key <= last {
			es = append(es, e)
		}
	}
	return es
}

func testSums(t *testing.T, open Open) {
	a, b := open(t, store.Options{}), open(t, store.Options{})
	count := func(s store.API, key uint16, name, stamp string, counted bool) {
		_, err := s.Update(t.Context(), store.Place{Key: key, Name: name}, func(old []store.Entry) ([]store.Entry, error) {
			return append(old, store.Entry{Stamp: stamp, Counted: counted}), nil
		})
		Check(t, err)
	}
	count(a, 0x0105, "x", "1", true)
	count(a, 0x0105, "y", "1", true)
	count(a, 0x0207, "z", "1", true)
	count(b, 0x0207, "z", "1", true)
	count(b, 0x0105, "y", "1", true)
	count(b, 0x0105, "w", "1", false) // not counted
	if a.Rows()[1] == b.Rows()[1] || a.Rows()[2] != b.Rows()[2] {
		t.Error("rows differ exactly where the entries do not")
	}
	count(b, 0x0105, "x", "1", true)
	Equal(t, "rows", a.Rows(), b.Rows())
	Equal(t, "buckets", a.Buckets(1), b.Buckets(1))
	count(b, 0x0105, "x", "2", true)
	Equal(t, "equal rows", a.Rows() == b.Rows(), false)
	// Two entries that swap their stamps must not cancel out.
	c, d := open(t, store.Options{}), open(t, store.Options{})
	count(c, 1, "x", "1", true)
	count(c, 1, "y", "2", true)
	count(d, 1, "x", "2", true)
	count(d, 1, "y", "1", true)
	Equal(t, "equal rows", c.Rows() == d.Rows(), false)
	for _, p := range []store.Place{{Key: 0x0105, Name: "x"}, {Key: 0x0105, Name: "y"}, {Key: 0x0207, Name: "z"}} {
		Remove(t, a, p)
	}
	Equal(t, "rows", a.Rows(), [256]store.Sum{})
}
