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

// threeAndOne is the setting of most counterexamples: members 0, 1, 3 and the joiner 2.
func threeAndOne(key int, puts ...int) world {
	return world{n: 4, copies: 3, members: []int{0, 1, 3}, keys: []int{key}, puts: puts, stored: true, ordered: true, paired: true, limit: 600000}
}

func threeMembers(key int, puts ...int) world {
	return world{n: 3, copies: 3, members: []int{0, 1, 2}, keys: []int{key}, puts: puts, stored: true, ordered: true, paired: true, limit: 600000}
}

func TestCounterexamples(t *testing.T) {
	t.Parallel()
	type fault func(*world)
	with := func(w world, f func(*world)) world { f(&w); return w }
	for _, x := range []struct {
		name  string
		world world
		take  fault
	}{
		{"1 join before the grant", with(threeAndOne(2, 0), func(w *world) { w.most.losses = 1; w.probe = true }), func(w *world) { w.arc.ungranted = true }},
		{"2 sync before the grant", with(threeAndOne(2, 0), func(w *world) { w.most.losses = 1; w.probe = true }), func(w *world) { w.arc.lateGrant = true }},
		{"4 ABA", with(threeMembers(1, 0), func(w *world) { w.most.suspicions = 2; w.most.losses = 1; w.probe = true }), func(w *world) { w.arc.constantID = true }},
		{"6 fast", with(threeAndOne(2, 0), func(w *world) { w.most.losses = 1; w.probe = true }), func(w *world) { w.driver.fastReads = true }},
		{"6 the old owner", with(world{n: 4, copies: 3, succs: 3, members: []int{0, 1, 2, 3}, keys: []int{2}, puts: []int{0}, stored: true, ordered: true, paired: true, limit: 600000, prefix: []label{{evSuspect, 0, 1}, {evSuspect, 0, 2}, {evStabilize, 0, 1}, {evDistrust, 3, 0}}}, func(w *world) { w.most.suspicions = 3 }), func(w *world) { w.arc.ignoreClaims = true }},
		{"11 remembered", with(world{n: 4, copies: 3, succs: 3, members: []int{0, 1, 2, 3}, keys: []int{2}, puts: []int{0}, stored: true, ordered: true, paired: true, limit: 600000, prefix: []label{{evSuspect, 0, 1}, {evSuspect, 0, 2}, {evStabilize, 0, 1}, {evDistrust, 3, 0}}}, func(w *world) { w.most.suspicions = 3 }), func(w *world) { w.arc.forgetful = true }},
		{"no check", with(threeAndOne(2, 0, 0), func(w *world) { w.most.losses = 1; w.probe = true }), func(w *world) { w.driver.checkNever = true }},
		{"check before", with(threeAndOne(2, 0, 0), func(w *world) { w.late = true; w.most.losses = 1; w.probe = true }), func(w *world) { w.driver.checkBefore = true }},
	} {
		t.Run(x.name, func(t *testing.T) {
			if _, err := run(t, x.world); err != nil {
				t.Errorf("violated: %.4000v", err)
			}
			w := x.world
			x.take(&w)
			if _, err := run(t, w); err == nil {
				t.Error("not caught")
			} else {
				t.Logf("%.120v", err)
			}
		})
	}
}
