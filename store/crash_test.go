package store_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/store"
	"github.com/p2pchord/p2pchord/store/storetest"
)

// crash is the disk as a power cut may leave it, and what the writers knew then.
type crash struct {
	op             int64
	disk           *vfs.MemFS
	acked, started []int64
}

// TestCrash cuts the power before every operation that changes the disk. What was
// synced is there afterwards, of the rest a random share of the 4 KiB pages and names.
// Opening finds what was acknowledged, or a later state that was under way.
func TestCrash(t *testing.T) {
	t.Parallel()
	variant := 0
	for _, c := range []struct{ writers, steps int }{{1, 60}, {4, 30}} {
		for _, share := range []int{0, 50, 100} {
			first, stride := sample(variant)
			variant++
			t.Run(fmt.Sprintf("%d writers, %d %% of the unsynced", c.writers, share), func(t *testing.T) {
				t.Parallel()
				testCrash(t, c.writers, c.steps, share, first, stride)
			})
		}
	}
}

func testCrash(t *testing.T, writing, steps, share int, first, stride int64) {
	seed := uint64(share)
	mem := vfs.NewCrashableMem()
	fs := &hookFS{FS: mem}
	ws := writers(writing, seed)
	var mu sync.Mutex
	var crashes []crash
	fs.before = func(n int64) {
		if n%stride != first%stride || (n > 12 && n < 250) {
			return // the 256 folders of blocks are all alike
		}
		mu.Lock()
		defer mu.Unlock()
		c := crash{op: n}
		for _, w := range ws {
			c.acked = append(c.acked, w.acked.Load())
		}
		c.disk = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: share, RNG: rand.New(rand.NewPCG(seed, uint64(n)))})
		for _, w := range ws {
			c.started = append(c.started, w.started.Load())
		}
		crashes = append(crashes, c)
	}
	for range 2 {
		s, err := store.Open("dir", store.Small(store.Options{FS: fs}))
		storetest.Check(t, err)
		var wg sync.WaitGroup
		for _, w := range ws {
			wg.Go(func() {
				for range steps / 2 {
					if err := w.step(s); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		storetest.Check(t, s.Close())
	}
	for i, c := range crashes {
		reopened(t, c, ws)
		if t.Failed() {
			t.Fatalf("after a power cut before operation %d", c.op)
		}
		crashes[i].disk = nil
	}
	t.Logf("%d power cuts", len(crashes))
}

func reopened(t *testing.T, c crash, ws []*writer) {
	t.Helper()
	s, err := store.Open("dir", store.Small(store.Options{FS: c.disk}))
	if err != nil {
		t.Errorf("opening: %v", err)
		return
	}
	for i, w := range ws {
		if err := w.check(s, c.acked[i], c.started[i]); err != nil {
			t.Error(err)
		}
	}
	whole(t, c.disk, "dir", s)
	storetest.Check(t, s.Close())
}

// TestCrashWhileOpening cuts the power while a store is made, opened and closed, many
// times at each operation: of the names in the database's folder any may survive.
func TestCrashWhileOpening(t *testing.T) {
	t.Parallel()
	seeds := uint64(2)
	if every {
		seeds = 16
	}
	mem := vfs.NewCrashableMem()
	fs := &hookFS{FS: mem}
	var crashes []crash
	var mu sync.Mutex
	ws := writers(1, 3)
	fs.before = func(n int64) {
		if n < 250 {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for seed := range seeds {
			c := vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(seed, uint64(n)))}
			crashes = append(crashes, crash{op: n, disk: mem.CrashClone(c), acked: []int64{ws[0].acked.Load()}, started: []int64{ws[0].started.Load()}})
		}
	}
	for range 2 {
		s, err := store.Open("dir", store.Small(store.Options{FS: fs}))
		storetest.Check(t, err)
		storetest.Check(t, ws[0].step(s))
		storetest.Check(t, s.Close())
	}
	for i, c := range crashes {
		reopened(t, c, ws)
		if t.Failed() {
			t.Fatalf("after a power cut before operation %d", c.op)
		}
		crashes[i].disk = nil
	}
	t.Logf("%d power cuts", len(crashes))
}
