package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/store"
	"github.com/p2pchord/p2pchord/store/storetest"
)

// harm does something to the file of a block.
var harm = map[string]func(t *testing.T, path string){
	"a flipped bit": func(t *testing.T, path string) {
		b, err := os.ReadFile(path)
		storetest.Check(t, err)
		b[len(b)/2] ^= 1
		storetest.Check(t, os.WriteFile(path, b, 0o600))
	},
	"too short": func(t *testing.T, path string) { storetest.Check(t, os.Truncate(path, 5)) },
	"too long": func(t *testing.T, path string) {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		storetest.Check(t, err)
		_, err = f.WriteString("x")
		storetest.Check(t, errors.Join(err, f.Close()))
	},
	"gone": func(t *testing.T, path string) { storetest.Check(t, os.Remove(path)) },
}

func TestDamage(t *testing.T) {
	t.Parallel()
	for what, do := range harm {
		for _, by := range []string{"read", "verify", "scrub"} {
			t.Run(what+", found by "+by, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				found := make(chan store.Hash, 1)
				opts := store.Options{ScrubPeriod: -1, OnBad: func(h store.Hash, err error) {
					if !errors.Is(err, store.ErrCorrupt) || fault.CodeOf(err) != fault.Integrity {
						t.Errorf("told of %v", err)
					}
					found <- h
				}}
				s := open(t, dir, opts)
				data := storetest.Bytes(1, 100<<10)
				at, other := store.Place{Name: "a"}, store.Place{Key: 5, Name: "b"}
				e := storetest.Put(t, s, at, "1", data)
				storetest.Put(t, s, other, "1", data)
				storetest.Put(t, s, store.Place{Name: "good"}, "1", storetest.Bytes(2, 100<<10))
				do(t, s.BlockPath(e.Block))
				switch by {
				case "read":
					_, err := s.Read(t.Context(), e.Block, nil)
					storetest.Is(t, err, store.ErrCorrupt)
				case "verify":
					var bad []store.Hash
					n, _, err := s.Verify(t.Context(), func(h store.Hash, _ error) { bad = append(bad, h) })
					storetest.Check(t, err)
					storetest.Equal(t, "blocks", n, 2)
					storetest.Equal(t, "bad", fmt.Sprint(bad), fmt.Sprint([]store.Hash{e.Block}))
				case "scrub":
					storetest.Check(t, s.Close())
					opts.ScrubPeriod = time.Hour
					s = open(t, dir, store.WithWait(opts, func(ctx context.Context, _ time.Duration) error { return ctx.Err() }))
				}
				storetest.Equal(t, "found", <-found, e.Block)
				_, err := s.Read(t.Context(), e.Block, nil)
				storetest.Is(t, err, store.ErrNotHere) // it is never served
				missing, err := s.Missing(10)
				storetest.Check(t, err)
				storetest.Equal(t, "missing", len(missing), 2)
				if kept, _ := filepath.Glob(filepath.Join(dir, "bad", "*")); len(kept) != 1 && what != "gone" {
					t.Errorf("set aside: %v", kept)
				}
				storetest.Check(t, s.Supply(t.Context(), storetest.Stage(t, s, data)))
				got, err := s.Read(t.Context(), e.Block, nil)
				storetest.Check(t, err)
				storetest.Equal(t, "healed", bytes.Equal(got, data), true)
			})
		}
	}
}

// TestScrubPace: all blocks take the period, each by its size, whatever is bad.
func TestScrubPace(t *testing.T) {
	t.Parallel()
	const period = 10 * time.Minute
	var mu sync.Mutex
	var waits []time.Duration
	turn := make(chan struct{})
	opts := store.WithWait(store.Options{ScrubPeriod: period}, func(ctx context.Context, d time.Duration) error {
		mu.Lock()
		waits = append(waits, d)
		mu.Unlock()
		select {
		case turn <- struct{}{}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	s := open(t, t.TempDir(), opts)
	const blocks = 50
	for i := range blocks {
		storetest.Put(t, s, store.Place{Index: uint32(i), Name: "a"}, "1", storetest.Bytes(uint64(i), 10<<10+i*1000))
	}
	for range 2*blocks + 2 { // it may have begun before the blocks were there
		<-turn
	}
	mu.Lock()
	defer mu.Unlock()
	var sum time.Duration
	for _, d := range waits[len(waits)-blocks:] {
		sum += d
	}
	if sum < period*3/4 || sum > period*5/4 {
		t.Errorf("%d blocks take %v, want about %v", blocks, sum, period)
	}
}

// TestReserve: nothing is taken in that would eat into the disk's reserve.
func TestReserve(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), store.Options{Reserve: 1 << 62})
	_, err := s.Stage(t.Context(), 1, strings.NewReader("x"))
	storetest.Is(t, err, store.ErrNoSpace)
	storetest.Equal(t, "kind", fault.CodeOf(err), fault.NoSpace)
	storetest.Equal(t, "free", s.Usage().FreeDiskBytes, 0)
	put := func(p store.Purpose) error {
		at := store.Place{Name: fmt.Sprint("purpose ", p)}
		_, err := s.Update(t.Context(), at, func([]store.Entry) ([]store.Entry, error) {
			return []store.Entry{{Stamp: "1", Purpose: p}}, nil
		})
		return err
	}
	storetest.Is(t, put(store.New), store.ErrNoSpace)
	storetest.Is(t, put(store.Copy), store.ErrNoSpace)
	storetest.Check(t, put(store.Delete))
	none := open(t, t.TempDir(), store.Options{Reserve: -1})
	storetest.Put(t, none, store.Place{Name: "a"}, "1", []byte("x"))
	if u := none.Usage(); u.FreeDiskBytes <= 0 {
		t.Errorf("free: %d", u.FreeDiskBytes)
	}
}

// TestSecondOpen: a store that is open is refused at once, and one of a newer format always.
func TestSecondOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, store.Options{})
	_, err := store.Open(dir, store.Options{})
	storetest.Equal(t, "kind", fault.CodeOf(err), fault.NotAllowed)
	storetest.Check(t, s.SetFormat(200))
	storetest.Check(t, s.Close())
	_, err = store.Open(dir, store.Options{})
	storetest.Equal(t, "kind", fault.CodeOf(err), fault.NotAllowed)
	if err == nil || !strings.Contains(err.Error(), "newer p2pchord") {
		t.Errorf("got %v", err)
	}
}
