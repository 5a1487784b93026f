package contain_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/p2pchord/p2pchord/internal/contain"
)

func TestRestartWaitsLongerEachTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		contain.Restart(t.Context(), "TestRestartWaits", func(context.Context) {
			if at = append(at, time.Since(began)); len(at) < 4 {
				panic("on purpose")
			}
		})
		for i, want := range []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second} {
			if at[i] != want {
				t.Errorf("call %d came after %v, want %v", i, at[i], want)
			}
		}
	})
}

func TestRestartEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	contain.Restart(ctx, "TestRestartEnds", func(context.Context) {
		calls++
		cancel()
		panic("on purpose")
	})
	if calls != 1 {
		t.Errorf("it was called %d times", calls)
	}
}

func TestProblemsNameRecentPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const what = "TestProblems"
		named := func() bool { return strings.Contains(strings.Join(contain.Problems(), "; "), what) }
		_ = contain.Run(what, func() error { panic("on purpose") })
		if !named() {
			t.Error("a panic isn't named")
		}
		time.Sleep(time.Hour)
		if named() {
			t.Error("a panic is named an hour later")
		}
	})
}
