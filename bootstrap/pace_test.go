package bootstrap

import (
	"testing"
	"time"
)

// start is when the tests with a time of their own begin.
var start = time.Unix(1_700_000_000, 0)

func TestPace(t *testing.T) {
	t.Parallel()
	c := newPace(3 * time.Second)
	for i := range paceBurst {
		if c.take(start, "p") > 0 {
			t.Fatalf("request %d of a burst of %d is refused", i+1, paceBurst)
		}
	}
	if wait := c.take(start, "p"); wait != paceRefill {
		t.Errorf("above the burst the wait is %v, want %v", wait, paceRefill)
	}
	if wait := c.take(start.Add(paceRefill/2), "p"); wait != paceRefill/2 {
		t.Errorf("half a token later the wait is %v, want %v", wait, paceRefill/2)
	}
	if c.take(start, "q") > 0 {
		t.Error("one peer's haste is another's wait")
	}
	later := start.Add(paceRefill)
	if c.take(later, "p") > 0 || c.take(later, "p") == 0 {
		t.Error("not exactly one more after its time")
	}
	c.sweep(later)
	if len(c.buckets) != 1 || c.buckets["p"] == nil {
		t.Error("the sweep doesn't keep exactly the bucket that isn't full")
	}
	c.sweep(later.Add(paceBurst * paceRefill))
	if len(c.buckets) != 0 {
		t.Error("full buckets are kept")
	}
}
