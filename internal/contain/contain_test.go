package contain_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// A panic becomes an error of the work in which it happens, and is counted.
func TestPanicIsContained(t *testing.T) {
	t.Parallel()
	before := contain.Total()
	for _, f := range []func(){
		func() { panic("on purpose") },
		func() { var e error; _ = e.Error() },
		func() { var s []int; _ = s[len(s)] },
	} {
		err := contain.Run("a test", func() error { f(); return nil })
		if !errors.Is(err, contain.ErrPanic) || fault.CodeOf(err) != fault.Failed {
			t.Errorf("the error of a panic: %v", err)
		}
	}
	if err := contain.Run("a test", func() error { return nil }); err != nil {
		t.Errorf("without a panic: %v", err)
	}
	if got := contain.Total() - before; got < 3 {
		t.Errorf("%d panics counted, want 3", got)
	}
}

// Whoever waits for a goroutine that panics is told.
func TestGoTellsOfAPanic(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	outcome := make(chan string, 2)
	contain.Go(&wg, "a test", func() { panic("on purpose") }, func() { outcome <- "failed" })
	contain.Go(&wg, "a test", func() {}, func() { outcome <- "wrongly failed" })
	wg.Wait()
	if got := <-outcome; got != "failed" || len(outcome) > 0 {
		t.Errorf("got %q and %d more outcomes", got, len(outcome))
	}
}
