package ring

import (
	"fmt"
	"slices"
	"testing"
)

// owners returns what a sort of all live nodes says of a key: the holders of copies, owner first.
func owners(up []Position, k Key, copies int) []Position {
	n := len(up)
	at, _ := slices.BinarySearchFunc(up, At(k), Position.Compare)
	out := []Position{up[at%n]}
	for _, i := range append([]int{at - 1}, at+1, at+2, at+3, at+4, at+5, at+6) {
		if p := up[(i+n)%n]; len(out) < copies && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// path follows the views from one node to the owner of a key, and returns the hops.
func (n *network) path(from *simNode, k Key) (owner Position, hops int) {
	cur := from
	for hops = 0; hops < 100; hops++ {
		v := cur.m.View()
		if v.Owns(k) {
			return cur.at, hops
		}
		next := n.firstReachable(cur, v.toward(At(k), !n.noCache))
		if next == nil {
			return Position{}, hops
		}
		cur = next
	}
	return Position{}, hops
}

// checkOracle compares owners, holders and routes of some keys with the sorted truth.
// It returns the mean path.
func (n *network) checkOracle(t *testing.T, keys int) float64 {
	t.Helper()
	up := n.up()
	total := 0
	for range keys {
		k := Key(n.rng.Uint32())
		from := n.at[up[n.rng.IntN(len(up))]]
		want := owners(up, k, 5)
		got, hops := n.path(from, k)
		total += hops
		if got != want[0] {
			t.Fatalf("from %v the owner of %d is %v after %d hops, want %v", from.at, k, got, hops, want[0])
		}
		for _, holder := range want {
			v := n.at[holder].m.View()
			for copies := 1; copies <= 5; copies++ {
				expect := owners(up, k, copies)
				holders, complete := v.Holders(k, copies)
				if complete && !slices.Equal(holders, expect) {
					t.Fatalf("%v names for %d the holders %v, want %v", holder, k, holders, expect)
				}
				if holder == want[0] && !complete {
					t.Fatalf("the owner %v can't tell the holders of %d", holder, k)
				}
				if v.MayHold(k, copies) != slices.Contains(expect, holder) {
					t.Fatalf("%v: MayHold(%d, %d) is %v, holders %v", holder, k, copies, v.MayHold(k, copies), expect)
				}
			}
		}
		stranger := up[n.rng.IntN(len(up))]
		if n.at[stranger].m.View().MayHold(k, 3) != slices.Contains(owners(up, k, 3), stranger) {
			t.Fatalf("%v is wrong on whether it may hold %d", stranger, k)
		}
	}
	return float64(total) / float64(keys)
}

// TestRingsSettleFast has all nodes of a ring join at once.
func TestRingsSettleFast(t *testing.T) {
	t.Parallel()
	for size, limit := range map[int]uint64{1: 100, 2: 3_000, 3: 5_000, 5: 10_000, 10: 15_000, 30: 25_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			sum := uint64(0)
			const seeds = 20
			for seed := range uint64(seeds) {
				n := newNetwork(seed)
				for _, p := range n.invent(size) {
					n.join(n.add(p))
				}
				sum += n.settle(t, limit)
				n.checkOracle(t, 50)
			}
			t.Logf("%d nodes joining at once: ideal after %d ms on average", size, sum/seeds)
		})
	}
}

// TestOneJoinsARingAtRest measures what a user sees who adds a machine.
func TestOneJoinsARingAtRest(t *testing.T) {
	t.Parallel()
	sum := uint64(0)
	const seeds = 20
	for seed := range uint64(seeds) {
		n := newNetwork(seed)
		all := n.invent(11)
		for _, p := range all[:10] {
			n.join(n.add(p))
		}
		n.settle(t, 30_000)
		n.run(5_000)
		n.join(n.add(all[10]))
		start := n.now
		for ; n.now-start < 10_000; n.run(tickMs) {
			if v := n.at[all[10]].m.View(); v.Incorporated() && v.Owns(all[10].Key) {
				break
			}
		}
		sum += n.now - start
		n.settle(t, 15_000)
	}
	t.Logf("incorporated after %d ms on average", sum/seeds)
	if sum/seeds > 2_000 {
		t.Error("that is too slow")
	}
}

// TestChurn joins, crashes, restarts and takes leave of nodes at random.
func TestChurn(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			n := newNetwork(100 + seed)
			all := n.invent(60)
			for _, p := range all {
				n.add(p)
			}
			all[1].Key = all[0].Key // two nodes of one key
			n.join(n.nodes[0])
			for range 300 {
				n.run(n.rng.Uint64N(1_000))
				s := n.nodes[n.rng.IntN(len(n.nodes))]
				switch up := len(n.up()); {
				case !s.up && len(s.known) > 0 && n.rng.IntN(2) == 0:
					n.start(s)
				case !s.up:
					n.join(s)
				case up > 8 && n.rng.IntN(3) == 0:
					n.crash(s)
				case up > 8 && n.rng.IntN(3) == 0:
					n.leave(s)
				}
			}
			ms := n.settle(t, 180_000)
			n.checkOracle(t, 300)
			t.Logf("%d nodes: ideal %d ms after the last change", len(n.up()), ms)
		})
	}
}

// TestPartitionHeals cuts a ring in two for long enough that both sides close, and lets the merge
// probe heal it.
func TestPartitionHeals(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		n := newNetwork(200 + seed)
		side := map[Position]bool{}
		for i, p := range n.invent(24) {
			side[p] = i%3 == 0
			n.join(n.add(p))
		}
		n.settle(t, 60_000)
		n.cut = func(a, b Position) bool { return side[a] != side[b] }
		n.run(240_000)
		for _, p := range n.up() {
			for _, s := range n.at[p].m.View().Successors() {
				if side[s] != side[p] {
					t.Fatalf("%v still has the successor %v across the cut", p, s)
				}
			}
		}
		n.cut = func(_, _ Position) bool { return false }
		t.Logf("healed after %d ms", n.settle(t, 180_000))
		n.checkOracle(t, 100)
	}
}

// TestWholeRingRestarts kills every node of a ring and starts all again from what their disks
// remember, nobody telling anybody anything: one of them founds the ring again.
func TestWholeRingRestarts(t *testing.T) {
	t.Parallel()
	for _, size := range []int{2, 3, 5, 10, 20, 50} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(4) {
				n := newNetwork(300 + seed)
				for _, p := range n.invent(size) {
					n.join(n.add(p))
				}
				n.settle(t, 60_000)
				n.run(10_000)
				for _, s := range n.nodes {
					n.crash(s)
				}
				n.run(5_000)
				for _, s := range n.nodes {
					n.start(s)
					n.run(n.rng.Uint64N(200))
				}
				ms := n.settle(t, 180_000)
				founders := 0
				for _, s := range n.nodes {
					if s.m.View().Founder() {
						founders++
					}
				}
				t.Logf("seed %d: ideal after %d ms, %d founders", seed, ms, founders)
				n.checkOracle(t, 30)
			}
		})
	}
}

// TestLoneRestart restarts one node whose peers are all gone: it founds a ring in the end, and not
// before.
func TestLoneRestart(t *testing.T) {
	t.Parallel()
	n := newNetwork(1)
	for _, p := range n.invent(3) {
		n.join(n.add(p))
	}
	n.settle(t, 30_000)
	for _, s := range n.nodes {
		n.crash(s)
	}
	s := n.nodes[1]
	n.start(s)
	n.run(40_000)
	if s.m.View().Joined() {
		t.Fatal("it founded a ring after 40 s already")
	}
	n.run(60_000)
	v := s.m.View()
	if !v.Founder() || !v.Alone() || !v.HadPeers() {
		t.Fatalf("it founded none: %+v", v)
	}
	n.start(n.nodes[0])
	n.settle(t, 60_000)
}

// TestOneWayUnreachable cuts a node off from its successor only: others reach it, so it
// isn't declared dead at once, and stabilization isn't blocked for ever either.
func TestOneWayUnreachable(t *testing.T) {
	t.Parallel()
	n := newNetwork(5)
	for _, p := range n.invent(8) {
		n.join(n.add(p))
	}
	n.settle(t, 60_000)
	up := n.up()
	n.cut = func(a, b Position) bool { return a == up[0] && b == up[1] }
	n.run(5_000)
	if v := n.at[up[0]].m.View(); v.Successors()[0] != up[1] {
		t.Errorf("after 5 s %v has dropped its successor already: %v", up[0], v.Successors())
	}
	n.run(60_000)
	if v := n.at[up[0]].m.View(); v.Successors()[0] != up[2] {
		t.Errorf("after a minute %v still stabilizes from a node that it can't reach: %v", up[0], v.Successors())
	}
	if v := n.at[up[2]].m.View(); v.Predecessors()[0] != up[1] {
		t.Errorf("%v has lost its predecessor, which it reaches: %v", up[2], v.Predecessors())
	}
	n.cut = func(_, _ Position) bool { return false }
	n.settle(t, 180_000)
}

// TestPausedProcess stops a node for a minute of everybody else's time. When it wakes it must not
// declare the others dead.
func TestPausedProcess(t *testing.T) {
	t.Parallel()
	n := newNetwork(6)
	for _, p := range n.invent(8) {
		n.join(n.add(p))
	}
	n.settle(t, 60_000)
	s := n.nodes[3]
	before := slices.Clone(s.m.View().Successors())
	s.up = false
	n.run(60_000)
	s.up = true
	s.life++
	life := s.life
	var tick func()
	tick = func() {
		if s.life == life {
			n.step(s, Tick{Elapsed: 1})
			n.after(tickMs, tick)
		}
	}
	n.step(s, Tick{Elapsed: 600})
	n.after(tickMs, tick)
	if got := s.m.patience(); got < 2 {
		t.Errorf("its patience is %d", got)
	}
	n.run(1_000)
	if got := s.m.View().Successors(); len(got) == 0 || got[0] != before[0] {
		t.Errorf("its successors were %v and are %v", before, got)
	}
	n.settle(t, 60_000)
}

// TestThousandNodes grows a ring to 1,000 nodes, kills a tenth at once, and compares routes with
// the figures of the Chord paper.
func TestThousandNodes(t *testing.T) {
	t.Parallel()
	size := 1000
	if testing.Short() || raceEnabled {
		size = 150
	}
	n := newNetwork(7)
	n.noCache = true
	n.tweak = func(c *Config) { c.Cache = 64 }
	for _, p := range n.invent(size) {
		n.join(n.add(p))
		n.run(20)
	}
	t.Logf("%d nodes: ideal %d ms after the last join", size, n.settle(t, 300_000))
	n.run(30_000)
	mean := n.checkOracle(t, 2_000)
	n.noCache = false
	hinted := n.checkOracle(t, 500)
	n.noCache = true
	half := 0.0
	for k := 1; k < size; k *= 2 {
		half += 0.5
	}
	t.Logf("mean path %.2f hops (1/2 log2 N is about %.1f); with a cache of 64 peers %.2f", mean, half, hinted)
	if mean > half+1 {
		t.Error("that is too long")
	}
	before := n.queries
	n.run(10_000)
	t.Logf("at rest %.2f state queries a node and second", float64(n.queries-before)/10/float64(size))
	for i := 0; i < size; i += 10 {
		n.crash(n.nodes[i])
	}
	t.Logf("a tenth dead: ideal after %d ms", n.settle(t, 300_000))
	n.checkOracle(t, 500)
}
