package foreground

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// Repair waits its turn while users move bytes, and not otherwise.
func TestRepairYieldsToUsers(t *testing.T) {
	t.Parallel()
	l := New(env.NewSystem(t.Context()))
	work := func() error { time.Sleep(40 * time.Millisecond); return nil }
	began := time.Now()
	if err := l.Yield(t.Context(), work); err != nil {
		t.Fatal(err)
	}
	alone := time.Since(began)
	l.Moved()
	began = time.Now()
	if err := l.Yield(t.Context(), work); err != nil {
		t.Fatal(err)
	}
	if beside := time.Since(began); beside < repairShare*40*time.Millisecond {
		t.Errorf("beside users it took %v, alone %v: less than %d times", beside, alone, repairShare)
	}
}

// What repair can't get doesn't keep the turn from what it can move.
func TestRepairGoesOnBesideWhatCantBeHad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(env.NewSystem(t.Context()))
		l.Moved()
		lost := fault.New(fault.TryAgain, "not in any store")
		began := time.Now()
		for range 20 {
			// Of the bubble's clock.
			if err := l.Yield(t.Context(), func() error { time.Sleep(10 * time.Millisecond); return lost }); !errors.Is(err, lost) {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 200*time.Millisecond {
			t.Errorf("20 failures of 10 ms took %v: there was a pause", took)
		}
	})
}
