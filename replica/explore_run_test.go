package replica

import (
	"testing"
	"time"
)

func run(t *testing.T, w world) (*explorer, error) {
	t.Helper()
	e := newExplorer(w)
	start := time.Now()
	err := e.explore()
	t.Logf("%d states, %d transitions, %d local states, %.1f s, cut %v", len(e.seen), e.edges, len(e.nodes), time.Since(start).Seconds(), e.stopped)
	return e, err
}

func TestTry(t *testing.T) {
	w := world{n: 4, copies: 3, members: []int{0, 1, 3}, keys: []int{3}, puts: []int{0}, stored: true, limit: 400000, ordered: true, paired: true}
	if _, err := run(t, w); err != nil {
		t.Fatal(err)
	}
	w.keys = []int{2}
	if _, err := run(t, w); err != nil {
		t.Fatal(err)
	}
	w.probe = true
	if _, err := run(t, w); err != nil {
		t.Fatal(err)
	}
	w.probe = false
	w.most.crashes = 1
	if _, err := run(t, w); err != nil {
		t.Fatal(err)
	}
}
