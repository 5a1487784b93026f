package ring

import (
	"os"
	"testing"
	"time"
)

// allExplorations names the environment variable that turns on the explorations which
// take minutes; docs/ring.md has their figures.
const allExplorations = "P2PCHORD_EXPLORE"

// exploration is one run of the explorer: its network and what is expected of it.
type exploration struct {
	name   string
	nodes  int
	config func(e *explorer)
	size   size
	states int // how many there are, so that an exploration which misses some is noticed
	rounds int // the most that an ideal ring takes to come
}

type size int

const (
	small  size = iota // always
	medium             // not with -short or -race
	large              // only if allExplorations is set
)

func (s size) skip(t *testing.T) {
	t.Helper()
	switch {
	case s > small && (testing.Short() || raceEnabled):
		t.Skip("only the small explorations run with -short or -race")
	case s == large && os.Getenv(allExplorations) == "":
		t.Skip("set " + allExplorations + "=1 for the explorations that take minutes")
	}
}

func probing(e *explorer)   { e.probe = true }
func rejoining(e *explorer) { e.rejoin = true }
func flying(e *explorer)    { e.async = true }

func all(configs ...func(*explorer)) func(*explorer) {
	return func(e *explorer) {
		for _, c := range configs {
			c(e)
		}
	}
}

// TestProvedProtocol explores Zave's setting: r = 2, every ring of three, whoever is left
// joins, whoever may dies.
func TestProvedProtocol(t *testing.T) {
	t.Parallel()
	for _, x := range []exploration{
		{"3 nodes, messages in flight", 3, flying, small, 2240, 1},
		{"4 nodes", 4, all(), small, 2272, 3},
		{"4 nodes, probe", 4, probing, small, 4464, 2},
		{"4 nodes, rejoining", 4, rejoining, medium, 150472, 3},
		{"4 nodes, rejoining, probe", 4, all(rejoining, probing), medium, 174576, 2},
		{"4 nodes, messages in flight", 4, flying, large, 4044152, 3},
		{"4 nodes, messages in flight, probe", 4, all(flying, probing), large, 9454912, 2},
		{"5 nodes", 5, all(), medium, 527472, 4},
		{"5 nodes, probe", 5, probing, medium, 1812542, 2},
	} {
		t.Run(x.name, func(t *testing.T) {
			x.size.skip(t)
			t.Parallel()
			e := newExplorer(x.nodes, 2)
			x.config(e)
			x.run(t, e, e.threeRings()...)
		})
	}
}

// TestGrowthFromOne explores rings of 1, 2, ... r+1 nodes and more that grow from one founder,
// which the published proof does not cover.
func TestGrowthFromOne(t *testing.T) {
	t.Parallel()
	noFailure := func(e *explorer) { e.fails = 0 }
	recovery := func(e *explorer) { // whoever dies, it comes right again
		e.anyFailure = true
		e.routed = true
		e.checks = func(*global) error { return nil }
	}
	orderly := func(e *explorer) { e.orderly = true }
	incorporation := func(e *explorer) { e.everyIncorporated = false }
	for _, x := range []exploration{
		{"2 nodes", 2, all(), small, 20, 2},
		{"3 nodes", 3, all(), small, 1091, 3},
		{"3 nodes, no failure, probe", 3, all(noFailure, probing), small, 1269, 2},
		{"3 nodes, no failure, messages in flight", 3, all(noFailure, flying), medium, 228729, 3},
		{"3 nodes, no failure, messages in flight, probe", 3, all(noFailure, flying, probing), medium, 1608179, 2},
		{"3 nodes, any failure, probe", 3, all(recovery, probing), small, 3229, 2},
		{"3 nodes, any failure, messages in flight, probe", 3, all(recovery, flying, probing), medium, 2032555, 2},
		{"4 nodes", 4, orderly, medium, 232364, 4},
		{"4 nodes, incorporation", 4, all(orderly, incorporation), medium, 344760, 4},
		{"4 nodes, no failure, probe", 4, all(noFailure, probing), medium, 491953, 2},
		{"4 nodes, any failure, probe", 4, all(recovery, probing), medium, 2183291, 3},
		{"4 nodes, no failure, incorporation, probe", 4, all(noFailure, probing, incorporation), large, 1855297, 2},
	} {
		t.Run(x.name, func(t *testing.T) {
			x.size.skip(t)
			t.Parallel()
			e := newExplorer(x.nodes, 2)
			e.grows = true
			e.checks = e.growing
			x.config(e)
			x.run(t, e, e.start(0))
		})
	}
}

func (x exploration) run(t *testing.T, e *explorer, from ...global) {
	t.Helper()
	start := time.Now()
	if err := e.explore(from...); err != nil {
		t.Fatal(err)
	}
	explored := time.Since(start)
	rounds, err := e.converge()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d states, %d transitions, %d local states, %.1f s; ideal within %d rounds from each, %.1f s",
		len(e.seen), e.edges, len(e.states)-1, explored.Seconds(), rounds, (time.Since(start) - explored).Seconds())
	if len(e.seen) != x.states || rounds != x.rounds {
		t.Errorf("%d states and %d rounds, expected %d and %d: if the protocol was meant to change, so must these",
			len(e.seen), rounds, x.states, x.rounds)
	}
}

func (e *explorer) threeRings() []global {
	var out []global
	n := len(e.nodes)
	for a := range n {
		for b := a + 1; b < n; b++ {
			for c := b + 1; c < n; c++ {
				out = append(out, e.start(a, b, c))
			}
		}
	}
	return out
}

// TestRandomPointers starts 7 members, r = 3, with random pointers, some of them to
// dead nodes: with the merge probe every such state comes right.
func TestRandomPointers(t *testing.T) {
	t.Parallel()
	tries := 40_000
	if testing.Short() || raceEnabled {
		tries = 2_000
	}
	e := newExplorer(7, 3)
	e.probe = true
	rng := random{state: 1}
	known := map[global]uint8{}
	worst := 0
	for range tries {
		g := e.randomPointers(&rng)
		rounds, err := e.roundsToIdeal(g, known)
		if err != nil {
			t.Fatal(err)
		}
		worst = max(worst, rounds)
	}
	e.probe = false
	lost := 0
	for range tries / 10 {
		if _, err := e.roundsToIdeal(e.randomPointers(&rng), map[global]uint8{}); err != nil {
			lost++
		}
	}
	t.Logf("%d states, all ideal within %d rounds; without the probe %d of %d never are", tries, worst, lost, tries/10)
	if lost == 0 {
		t.Error("every state came right without the probe, so the test shows nothing of it")
	}
}

func (e *explorer) randomPointers(rng *random) (g global) {
	n := uint64(len(e.nodes))
	for i := range e.nodes {
		if rng.below(6) == 0 {
			continue // dead
		}
		m := e.blank(i)
		m.joined, m.incorporated = true, true
		for range rng.below(uint64(e.r) + 1) {
			m.succs = m.extend(m.succs, []Position{e.nodes[rng.below(n)]}, e.r)
		}
		if p := int(rng.below(n)); p != i {
			m.preds = []Position{e.nodes[p]}
		}
		g.local[i] = e.intern(m)
	}
	return g
}
