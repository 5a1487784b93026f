package transfer

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/p2pchord/p2pchord/internal/contain"
)

// Whatever a user's function does, it is called for each step, in order and for one at a time, and
// the transfer that it reports goes on.
func TestReporterCallsInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen []int64
		calls := 0
		r := newReporter(func(p Progress) {
			if calls++; calls > 1 {
				t.Error("it is called twice at a time")
			}
			time.Sleep(time.Second) // of the bubble's clock
			seen = append(seen, p.Done)
			calls--
		}, 100)
		began := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { r.moved(1, 2, "direct") })
		synctest.Wait()
		for range 9 {
			r.moved(1, 2, "direct")
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("others waited %s for the function", took)
		}
		wg.Wait()
		for i, done := range seen {
			if done != int64(i+1) {
				t.Fatalf("it was told %v", seen)
			}
		}
		if len(seen) != 10 {
			t.Errorf("it was told of %d steps, want 10", len(seen))
		}
	})
}

// Nothing is called after close, which waits for the call under way.
func TestReporterEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []string
		r := newReporter(func(p Progress) {
			time.Sleep(time.Second) // of the bubble's clock
			told = append(told, p.Waits)
		}, 100)
		go r.waits("first")()
		synctest.Wait()
		late := r.waits("second")
		r.close()
		if len(told) != 2 {
			t.Errorf("after close it was told %q", told)
		}
		deliver := r.waits("third")
		r.close()
		deliver()
		late()
		if len(told) != 2 {
			t.Errorf("it was told %q", told)
		}
	})
}

// A function that panics doesn't keep close waiting.
func TestReporterOutlivesAPanic(t *testing.T) {
	t.Parallel()
	r := newReporter(func(Progress) { panic("in the user's function") }, 100)
	err := contain.Run("reporting", func() error { r.moved(1, 1, "direct"); return nil })
	if err == nil {
		t.Error("the panic is lost")
	}
	r.close()
	var none *reporter
	none.moved(1, 1, "direct")
	none.close()
}
