package share

import (
	"fmt"
	"testing"
	"time"
)

// TestCopiesAreFollowedWhenTheRingGrows: one file is looked at now and then; when it has more
// copies, all are.
func TestCopiesAreFollowedWhenTheRingGrows(t *testing.T) {
	t.Parallel()
	m := newMachine(quiet)
	m.shorts.wanted = 3
	const files = 20
	for i := range files {
		k := known{stamp: stamp{size: 1}, copies: 1, possible: 1}
		m.remember(fmt.Sprint(i), k)
		m.found(1, fmt.Sprint(i), k.stamp, byScan)
	}
	now, ring, asked := time.Duration(1), 1, 0
	// runs the clock for so long, and answers as the ring would.
	run := func(long time.Duration) {
		t.Helper()
		end := now + long
		asked = 0
		for {
			next, ok := m.next()
			if !ok || next > end {
				now = end
				return
			}
			now = max(now, next)
			m.tick(now)
			for _, a := range m.take() {
				if a.verb == doCheck {
					asked++
					m.checked(now, a.file.path, min(ring, 3))
				}
			}
		}
	}
	run(time.Minute)
	if asked < 10 || asked > 13 {
		t.Errorf("asked %d times in a minute in which nothing changed", asked)
	}
	ring = 2
	run(2 * checkShortEvery)
	for name, f := range m.files {
		if f.known.copies != 2 {
			t.Errorf("%s: %d copies", name, f.known.copies)
		}
	}
	m.missing(now, "3")
	ring = 3
	run(2 * checkShortEvery)
	for name, f := range m.files {
		if f.phase == stored && f.state().Copies != 3 {
			t.Errorf("%s: %d copies", name, f.known.copies)
		}
	}
	if run(time.Hour); asked != 0 || m.checks != 0 {
		t.Errorf("asked %d times when all have their copies, %d under way", asked, m.checks)
	}
}
