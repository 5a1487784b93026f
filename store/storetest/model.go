package storetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/store"
)

func testRandom(t *testing.T, open Open) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			s := open(t, store.Options{})
			model := store.NewMemory(0)
			rng := rand.New(rand.NewPCG(seed, 0))
			for range 300 {
				Step(t, rng, s, model)
			}
			Compare(t, s, model)
		})
	}
}

// Step does one random operation to both stores, on few names, keys and contents so that they meet.
func Step(t *testing.T, rng *rand.Rand, s, model store.API) {
	t.Helper()
	at := store.Place{Key: uint16(rng.IntN(4)) * 0x5555, Name: string(rune('a' + rng.IntN(3))), Index: uint32(rng.IntN(2))}
	data := Bytes(rng.Uint64N(6), Sizes[rng.IntN(len(Sizes)-1)])
	stamp := fmt.Sprint(rng.IntN(3))
	counted := rng.IntN(3) > 0
	op := rng.IntN(10)
	for _, s := range []store.API{s, model} {
		g := Stage(t, s, data)
		put := func(old []store.Entry) ([]store.Entry, error) {
			es := slices.DeleteFunc(old, func(e store.Entry) bool { return e.Stamp == stamp })
			return append(es, store.Entry{Stamp: stamp, Value: []byte(stamp), Block: g.Hash(), Size: g.Size(), Counted: counted}), nil
		}
		var err error
		switch {
		case op < 4: // with its bytes
			_, err = s.Update(t.Context(), at, put, g)
		case op < 6: // without
			_, err = s.Update(t.Context(), at, put)
		case op < 8: // one version less
			_, err = s.Update(t.Context(), at, func(old []store.Entry) ([]store.Entry, error) {
				return slices.DeleteFunc(old, func(e store.Entry) bool { return e.Stamp == stamp }), nil
			}, g)
		default:
			err = s.Supply(t.Context(), g)
		}
		g.Discard()
		Check(t, err)
	}
}

// Compare fails the test where the stores differ in anything that can be seen.
func Compare(t *testing.T, s, model store.API) {
	t.Helper()
	Same(t, All(t, s), All(t, model))
	Equal(t, "rows", s.Rows(), model.Rows())
	a, b := s.Usage(), model.Usage()
	Equal(t, "entries", a.Entries, b.Entries)
	Equal(t, "blocks", a.Blocks, b.Blocks)
	Equal(t, "used", a.UsedBytes, b.UsedBytes)
	missing := func(s store.API) []store.Entry {
		es, err := s.Missing(1 << 20)
		Check(t, err)
		slices.SortFunc(es, func(a, b store.Entry) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		return es
	}
	Same(t, missing(s), missing(model))
	for _, e := range All(t, model) {
		if e.Block == (store.Hash{}) || !e.Complete {
			continue
		}
		got, err := s.Read(t.Context(), e.Block, nil)
		Check(t, err)
		want, err := model.Read(t.Context(), e.Block, nil)
		Check(t, err)
		if !bytes.Equal(got, want) {
			t.Errorf("block %x has other bytes", e.Block)
		}
	}
}

// All returns all entries in the order of a Scan.
func All(t *testing.T, s store.API) (es []store.Entry) {
	t.Helper()
	Check(t, s.Scan(store.Span{First: 0, Last: 0xffff}, nil, func(e store.Entry) bool {
		es = append(es, e)
		return true
	}))
	return es
}
