package delivery_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/p2pchord/p2pchord/internal/delivery"
)

func lost(n uint64) string { return fmt.Sprint(n, " lost") }

func TestWhatDoesNotFitIsCountedAndTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []string
		gate := make(chan struct{})
		q := delivery.New("a test", 3, func(s string) { <-gate; got = append(got, s) }, lost)
		q.Put("0")
		synctest.Wait() // it is being delivered
		for i := range 5 {
			q.Put(fmt.Sprint(i + 1))
		}
		if q.Flush(time.Second) {
			t.Error("it is flushed although its delivery blocks")
		}
		close(gate)
		if !q.Flush(time.Second) {
			t.Error("it isn't flushed")
		}
		q.Put("6")
		if !q.Close(time.Second) {
			t.Error("it isn't closed")
		}
		q.Put("7")
		if want := []string{"0", "1", "2", "3", "2 lost", "6"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if n := q.Dropped(); n != 3 {
			t.Errorf("%d are counted as dropped, want 3", n)
		}
	})
}

func TestCloseDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		q := delivery.New("a test", 3, func(string) { <-gate }, lost)
		q.Put("0")
		began := time.Now()
		if q.Close(5*time.Second) || time.Since(began) != 5*time.Second {
			t.Errorf("closed after %v", time.Since(began))
		}
		close(gate)
	})
}

func TestAPanicEndsOneDelivery(t *testing.T) {
	t.Parallel()
	var got []string
	q := delivery.New("a delivery of a test", 3, func(s string) {
		if s == "bad" {
			panic("on purpose")
		}
		got = append(got, s)
	}, lost)
	q.Put("bad")
	q.Put("good")
	if !q.Close(time.Minute) || !slices.Equal(got, []string{"good"}) {
		t.Errorf("got %q", got)
	}
}
