package store_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/store"
	"github.com/p2pchord/p2pchord/store/storetest"
)

// writer changes one place over and over, and knows which states it may be in. State n
// is what step n makes of the place; state 0 is empty.
type writer struct {
	at      store.Place
	seed    uint64
	acked   atomic.Int64   // the last state that the store acknowledged
	started atomic.Int64   // the last state that was handed to the store
	refused map[int64]bool // states that the store said it does not have
}

// wants returns the stamp and bytes of state n; no stamp is an empty place.
func (w *writer) wants(n int64) (stamp string, data []byte) {
	rng := rand.New(rand.NewPCG(w.seed, uint64(n)))
	if n == 0 || rng.IntN(5) == 0 {
		return "", nil
	}
	sizes := []int{0, 100, 3000, 4 << 10, 9000, 20000}
	// Few contents, so that writers share blocks.
	return fmt.Sprint(n), storetest.Bytes(rng.Uint64N(3), sizes[rng.IntN(len(sizes))])
}

// step hands the next state to the store.
func (w *writer) step(s *store.Store) error {
	n := w.started.Add(1)
	stamp, data := w.wants(n)
	err := func() error {
		if stamp == "" {
			_, err := s.Update(context.Background(), w.at, func([]store.Entry) ([]store.Entry, error) { return nil, nil })
			return err
		}
		g, err := s.Stage(context.Background(), int64(len(data)), bytes.NewReader(data))
		if err != nil {
			return err
		}
		defer g.Discard()
		es, err := s.Update(context.Background(), w.at, func([]store.Entry) ([]store.Entry, error) {
			return []store.Entry{{Stamp: stamp, Block: g.Hash(), Size: g.Size(), Counted: true}}, nil
		}, g)
		if err == nil && !es[0].Complete {
			return errors.New("stored without its bytes")
		}
		return err
	}()
	switch {
	case err == nil:
		w.acked.Store(n)
	case !errors.Is(err, store.ErrFailed):
		w.refused[n] = true
	}
	return err
}

// check returns what is wrong with the place in a store that may have states from acked to
// started.
func (w *writer) check(s store.API, acked, started int64) error {
	es, err := s.Entries(w.at)
	if err != nil {
		return err
	}
	for n := acked; n <= started; n++ {
		stamp, data := w.wants(n)
		if w.refused[n] {
			continue
		}
		if stamp == "" {
			if len(es) == 0 {
				return nil
			}
			continue
		}
		if len(es) != 1 || es[0].Stamp != stamp {
			continue
		}
		if !es[0].Complete {
			return fmt.Errorf("%s: state %s lacks its bytes", w.at.Name, stamp)
		}
		got, err := s.Read(context.Background(), es[0].Block, nil)
		if err != nil {
			return fmt.Errorf("%s: state %s: %w", w.at.Name, stamp, err)
		}
		if !bytes.Equal(got, data) {
			return fmt.Errorf("%s: state %s has other bytes", w.at.Name, stamp)
		}
		return nil
	}
	return fmt.Errorf("%s: neither of the states %d to %d: %v", w.at.Name, acked, started, es)
}

func writers(n int, seed uint64) (ws []*writer) {
	for i := range n {
		ws = append(ws, &writer{
			at:   store.Place{Key: uint16(i * 300), Name: fmt.Sprint("writer ", i)},
			seed: seed<<8 + uint64(i), refused: map[int64]bool{},
		})
	}
	return ws
}

// whole checks everything else that holds in any state: sums and counters fit the
// entries, every block is good, nothing is left lying about.
func whole(t *testing.T, fs vfs.FS, dir string, s *store.Store) {
	t.Helper()
	s.Reclaim()
	model := store.NewMemory(0)
	files := map[string]bool{}
	for _, e := range storetest.All(t, s) {
		var with []store.Staged
		if e.Complete && e.Block != (store.Hash{}) {
			b, err := s.Read(t.Context(), e.Block, nil)
			storetest.Check(t, err)
			with = append(with, storetest.Stage(t, model, b))
			files[s.BlockPath(e.Block)] = true
		}
		_, err := model.Update(t.Context(), e.Place, func(old []store.Entry) ([]store.Entry, error) { return append(old, e), nil }, with...)
		storetest.Check(t, err)
	}
	storetest.Compare(t, s, model)
	for i := range 256 {
		folder := fs.PathJoin(dir, "blocks", hex.EncodeToString([]byte{byte(i)}))
		names, err := fs.List(folder)
		storetest.Check(t, err)
		for _, name := range names {
			if !files[fs.PathJoin(folder, name)] {
				t.Errorf("no entry names the file %s/%s", folder, name)
			}
		}
	}
	names, err := fs.List(fs.PathJoin(dir, "staging"))
	storetest.Check(t, err)
	storetest.Equal(t, "files in staging", len(names), 0)
}
