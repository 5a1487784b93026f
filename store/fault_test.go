package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/store"
	"github.com/p2pchord/p2pchord/store/storetest"
)

// every means that tests take every operation, instead of a share of them that differs
// between the variants of a test.
var every = os.Getenv("P2PCHORD_ALL_FAULTS") != ""

// sample returns the operations from 1 that variant v of a test takes.
func sample(v int) (first, stride int64) {
	switch {
	case every:
		return 1, 1
	case testing.Short():
		return int64(1 + 7*v), 43
	}
	return int64(1 + v), 7
}

// TestFault fails an operation that changes the disk, once or from then on, with
// nothing, half or all of it written, while a store is made and while it is used. What
// the store refuses, it does not have; what it acknowledged, it has; what it can show
// at any time, it still has after a power cut.
func TestFault(t *testing.T) {
	t.Parallel()
	made := vfs.NewCrashableMem()
	s, err := store.Open("dir", store.Small(store.Options{FS: made}))
	storetest.Check(t, err)
	storetest.Check(t, s.Close())
	variant := 0
	for kind, name := range []string{"not written", "yet written", "half written"} {
		for _, lasting := range []bool{false, true} {
			first, stride := sample(variant)
			variant++
			t.Run(fmt.Sprintf("%s, lasting %v", name, lasting), func(t *testing.T) {
				t.Parallel()
				faults := 0
				for n := first; testFault(t, made, n, failure(kind), lasting); n += stride {
					faults++
				}
				for n := first; n < 290; n += stride { // 274 operations make a store
					if n > 12 && n < 255 {
						continue // the 256 folders of blocks are all alike
					}
					testFault(t, vfs.NewCrashableMem(), n, failure(kind), lasting)
					faults++
				}
				t.Logf("%d faults", faults)
			})
		}
	}
}

// testFault fails operation n on a copy of the disk, and says whether there was one.
func testFault(t *testing.T, disk *vfs.MemFS, n int64, kind failure, lasting bool) (reached bool) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(n), 0))
	mem := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rng})
	fs := &hookFS{FS: mem, kind: kind}
	fs.fails = func(op int64) bool { return op == n || (lasting && op > n) }
	ws := writers(2, 7)
	s, err := store.Open("dir", store.Small(store.Options{FS: fs}))
	if err == nil {
		work(t, s, ws)
		closeSoon(t, s)
	} else if !errors.Is(err, errDisk) {
		t.Errorf("operation %d: opening: %v", n, err)
	}
	c := crash{op: n, disk: mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng})}
	for _, w := range ws {
		c.acked, c.started = append(c.acked, w.acked.Load()), append(c.started, w.started.Load())
	}
	reopened(t, c, ws)
	if t.Failed() {
		t.Fatalf("after operation %d failed", n)
	}
	return fs.ops.Load() >= n
}

// work lets the writers take turns. A store that has failed shows what was
// acknowledged last, and nothing else.
func work(t *testing.T, s *store.Store, ws []*writer) {
	t.Helper()
	for range 25 {
		for _, w := range ws {
			before := s.Err()
			err := w.step(s)
			if err != nil && !errors.Is(err, errDisk) {
				t.Errorf("refused for another reason: %v", err)
			}
			if before != nil && !errors.Is(err, store.ErrFailed) {
				t.Errorf("a store that has failed answered: %v", err)
			}
			if bad := w.check(s, w.acked.Load(), w.acked.Load()); bad != nil {
				t.Errorf("while running: %v", bad)
			}
		}
	}
}

// closeSoon fails the test when Close hangs.
func closeSoon(t *testing.T, s *store.Store) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Close() // it may fail on a broken disk
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("Close hangs")
	}
}
