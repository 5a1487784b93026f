package replica

import (
	"os"
	"slices"
	"testing"
)

// allExplorations names the environment variable that turns on the explorations which
// take minutes; docs/replication.md has their figures.
const allExplorations = "P2PCHORD_EXPLORE"

// TestHolds explores the protocol as it is shipped: P1, P2, P5 and P6 hold in every state.
func TestHolds(t *testing.T) {
	t.Parallel()
	three := []int{0, 1, 3}
	base := world{n: 4, copies: 3, members: three, keys: []int{2}, puts: []int{0}, stored: true, ordered: true, paired: true}
	of3 := base
	of3.n, of3.members, of3.keys = 3, []int{0, 1, 2}, []int{1}
	one := base
	one.members, one.stored, one.keys, one.n = []int{0}, false, []int{1}, 3

	for _, x := range []struct {
		name  string
		world world
		large bool
	}{
		{"J1", base, false},
		{"J1, probe, each order of requests", vary(base, func(w *world) { w.probe, w.ordered, w.paired = true, false, false }), false},
		{"J1, probe, in flight", vary(base, func(w *world) { w.probe, w.paired, w.async, w.late = true, false, true, true }), false},
		{"J1 C1, key at the joiner", vary(base, func(w *world) { w.most.crashes = 1 }), false},
		{"J1 C1, key at 3", vary(base, func(w *world) { w.most.crashes = 1; w.keys = []int{3} }), false},
		{"J1 C1, key at 1", vary(base, func(w *world) { w.most.crashes = 1; w.keys = []int{1} }), false},
		{"J1 C1, key at 0", vary(base, func(w *world) { w.most.crashes = 1; w.keys = []int{0} }), false},
		{"J1 C1, probe", vary(base, func(w *world) { w.most.crashes = 1; w.probe = true }), true},
		{"J1 C1 L1", vary(base, func(w *world) { w.most.crashes, w.most.losses = 1, 1 }), true},
		{"J1 C1, two puts", vary(base, func(w *world) { w.most.crashes = 1; w.puts = []int{0, 0} }), true},
		{"J1 C1, in flight", vary(base, func(w *world) { w.most.crashes = 1; w.async = true; w.paired = false }), true},
		{"3 nodes, C1, in flight, late, two puts", vary(of3, func(w *world) {
			w.most.crashes = 1
			w.async, w.late = true, true
			w.paired = false
			w.puts = []int{0, 0}
		}), false},
		{"3 nodes, K1, two puts", vary(of3, func(w *world) { w.most.stops = 1; w.puts = []int{0, 0} }), false},
		{"3 nodes, K1 C1", vary(of3, func(w *world) { w.most.stops = 1; w.most.crashes = 1 }), false},
		{"3 nodes, K2", vary(of3, func(w *world) { w.most.stops = 2; w.probe = true }), true},
		{"3 nodes, K3, the whole ring restarts", vary(of3, func(w *world) { w.most.stops = 3 }), true},
		{"3 nodes, F2, probe", vary(of3, func(w *world) { w.most.suspicions = 2; w.probe = true }), false},
		{"3 nodes, F2 C1, probe", vary(of3, func(w *world) { w.most.suspicions = 2; w.most.crashes = 1; w.probe = true }), true},
		{"3 nodes, C1 L1", vary(of3, func(w *world) { w.most.losses = 1; w.most.crashes = 1 }), false},
		{"3 nodes, F1 L1 C1", vary(of3, func(w *world) { w.most.suspicions, w.most.losses, w.most.crashes = 1, 1, 1 }), true},
		{"J1 L1, probe", vary(base, func(w *world) { w.most.losses = 1; w.probe = true }), false},
		{"3 nodes, F2 L2, probe", vary(of3, func(w *world) { w.most.suspicions = 2; w.most.losses = 2; w.probe = true }), true},
		{"4 nodes, F2, probe", vary(base, func(w *world) { w.members = []int{0, 1, 2, 3}; w.succs = 3; w.most.suspicions = 2; w.probe = true }), true},
		{"4 nodes, K2", vary(base, func(w *world) { w.members = []int{0, 1, 2, 3}; w.most.stops = 2 }), true},
		{"4 nodes, K1 C1 L1", vary(base, func(w *world) { w.members = []int{0, 1, 2, 3}; w.most.stops, w.most.crashes, w.most.losses = 1, 1, 1 }), true},
		{"from one, J2", one, false},
		{"from one, J2 C1", vary(one, func(w *world) { w.most.crashes = 1 }), false},
		{"from one, J2 C1, two puts, probe", vary(one, func(w *world) { w.most.crashes = 1; w.puts = []int{0, 0}; w.probe = true }), true},
		{"from one, J3", vary(one, func(w *world) { w.n = 4 }), true},
		{"two keys, J1 C1", vary(base, func(w *world) { w.most.crashes = 1; w.keys = []int{2, 3}; w.puts = []int{0, 1} }), true},
		{"two keys, J1", vary(base, func(w *world) { w.keys = []int{2, 3}; w.puts = []int{0, 1}; w.together = true; w.probe = true }), false},
		{"retries, J1 C1", vary(base, func(w *world) { w.most.crashes = 1; w.most.retries = 1 }), true},
		{"retries, two puts, 3 nodes K1", vary(of3, func(w *world) { w.most.stops = 1; w.most.retries = 2; w.puts = []int{0, 0}; w.together = true }), true},
		{"two puts together, F1 L1, 3 nodes", vary(of3, func(w *world) {
			w.puts, w.together, w.probe = []int{0, 0}, true, true
			w.most.suspicions, w.most.losses, w.most.retries = 1, 1, 1
		}), false},
		{"siblings: an owner stops in a put, and comes back after another", vary(of3, func(w *world) {
			w.puts, w.together, w.siblings = []int{0, 0}, true, true
			w.most.stops, w.most.retries = 1, 1
			w.prefix = []label{{evBegin, 1, 0}, {evStop, 1, 0}}
		}), false},
		{"leave, 3 nodes C1", vary(of3, func(w *world) { w.most.leaves = 1; w.most.crashes = 1; w.repairs = true }), false},
		{"leave, 4 nodes C1", vary(base, func(w *world) { w.members = []int{0, 1, 2, 3}; w.most.leaves = 1; w.most.crashes = 1; w.preds = 3 }), true},
		{"leave, 2 nodes K1, the last one writes", vary(of3, func(w *world) {
			w.n, w.members, w.most.leaves, w.most.stops, w.puts = 2, []int{0, 1}, 1, 1, []int{0, 0}
		}), false},
		{"leave, J1", vary(base, func(w *world) { w.most.leaves = 1; w.preds = 3 }), false},
		{"drop, J1 C1, R 2", vary(base, func(w *world) { w.copies = 2; w.drops, w.repairs = true, true; w.preds = 3; w.most.crashes = 1 }), true},
		{"drop, J1, R 2", vary(base, func(w *world) { w.copies = 2; w.drops, w.repairs = true, true; w.preds = 3; w.probe = true }), false},
		{"drop, 4 nodes F1, R 2", vary(base, func(w *world) {
			w.members = []int{0, 1, 2, 3}
			w.copies = 2
			w.drops, w.repairs = true, true
			w.preds = 3
			w.most.suspicions = 1
			w.probe = true
		}), true},
		{"delete, 3 nodes K1", vary(of3, func(w *world) { w.puts = []int{-1}; w.repairs = true; w.most.stops = 1; w.most.collections = 1 }), false},
		{"delete, R 2, J1 K1, drop", vary(base, func(w *world) {
			w.puts = []int{-1}
			w.copies = 2
			w.preds = 3
			w.drops, w.repairs = true, true
			w.most.stops = 1
			w.most.collections = 1
		}), true},
		{"delete and put, 3 nodes C1", vary(of3, func(w *world) { w.puts = []int{-1, 0}; w.repairs = true; w.most.crashes = 1; w.most.collections = 1 }), false},
		{"3 nodes, C2 with repair between", vary(of3, func(w *world) { w.repairs = true; w.most.crashes = 2 }), false},
		{"4 nodes, C2 with repair between", vary(base, func(w *world) { w.members = []int{0, 1, 2, 3}; w.repairs = true; w.most.crashes = 2 }), true},
		{"a reader who asks both, J1 L1, probe", vary(base, func(w *world) { w.apart, w.probe, w.most.losses = true, true, 1 }), false},
		{"a reader who asks both, 3 nodes, C1 L1, two puts", vary(of3, func(w *world) { w.apart, w.most.crashes, w.most.losses, w.puts = true, 1, 1, []int{0, 0} }), false},
		{"a reader who asks both, 3 nodes, F2, probe", vary(of3, func(w *world) { w.apart, w.probe, w.most.suspicions = true, true, 2 }), false},
		{"a reader who asks both, leave, 3 nodes C1", vary(of3, func(w *world) { w.apart, w.most.leaves, w.most.crashes = true, 1, 1 }), false},
		{"a reader who asks both, J1 C1 L1", vary(base, func(w *world) { w.apart, w.most.crashes, w.most.losses = true, 1, 1 }), true},
		{"a reader who asks both, 3 nodes, K2", vary(of3, func(w *world) { w.apart, w.probe, w.most.stops = true, true, 2 }), true},
		{"a reader who asks both, 4 nodes, F2, probe", vary(base, func(w *world) {
			w.apart, w.probe, w.members, w.succs, w.most.suspicions = true, true, []int{0, 1, 2, 3}, 3, 2
		}), true},
		{"a reader who asks both, delete and put, 3 nodes C1", vary(of3, func(w *world) {
			w.apart, w.repairs, w.puts, w.most.crashes, w.most.collections = true, true, []int{-1, 0}, 1, 1
		}), false},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := x.world
			if x.large && os.Getenv(allExplorations) == "" {
				t.Skip("set " + allExplorations + "=1 for the explorations that take minutes")
			}
			if w.limit = 80_000; os.Getenv(allExplorations) != "" {
				w.limit = 1_000_000
			}
			e, err := run(t, w)
			if err != nil {
				t.Fatal(err)
			}
			if w.siblings && !slices.ContainsFunc(e.nodes, func(n *node) bool { return len(n.disk[0]) > 1 }) {
				t.Error("no siblings came about")
			}
		})
	}
}
