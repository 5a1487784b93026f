package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/store"
)

// TestFault fails each operation that changes the disk, once or from then on, with
// nothing, half or all of it written. What the store refuses, it does not have; what it
// acknowledged, it has; what it can show at any time, it still has after a power cut.
func TestFault(t *testing.T) {
	t.Parallel()
	for kind, name := range map[failure]string{notWritten: "not written", yetWritten: "yet written", halfWritten: "half written"} {
		for _, lasting := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, lasting %v", name, lasting), func(t *testing.T) {
				t.Parallel()
				stride := int64(1)
				if testing.Short() {
					stride = 9
				}
				n := int64(1)
				faults := 0
				for testFault(t, n, kind, lasting) && !t.Failed() {
					faults++
					if n += stride; n > 12 && n < 250 {
						n += 60 // the 256 folders of blocks are all alike
					}
				}
				t.Logf("%d faults", faults)
			})
		}
	}
}

// testFault fails operation n, and says whether there was one.
func testFault(t *testing.T, n int64, kind failure, lasting bool) (reached bool) {
	t.Helper()
	mem := vfs.NewCrashableMem()
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
	reached = fs.ops.Load() >= n
	fs.fails = nil
	disk := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(uint64(n), 0))})
	c := crash{op: n, disk: disk}
	for _, w := range ws {
		c.acked, c.started = append(c.acked, w.acked.Load()), append(c.started, w.started.Load())
	}
	reopened(t, c, ws)
	if t.Failed() {
		t.Errorf("after operation %d failed", n)
	}
	return reached
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
	done := make(chan error, 1)
	go func() { done <- s.Close() }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("Close hangs")
	}
}
