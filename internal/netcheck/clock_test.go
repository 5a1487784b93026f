package netcheck

import (
	"testing"
	"time"
)

func TestClockCheck(t *testing.T) {
	t.Parallel()
	now := time.Now()
	got := CompareClocks([]time.Time{
		now.Add(-time.Hour), now.Add(4 * time.Second), now.Add(6 * time.Second), now.Add(time.Minute),
	}, now)
	if want := (ClockCheck{Compared: 4, Ahead: 2, Seconds: 60}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
