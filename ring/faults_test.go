package ring

import (
	"slices"
	"strings"
	"testing"
)

// TestPlantedFaults plants errors of published Chord, one at a time, in the shipped
// machine. The explorer must find what each of them breaks.
func TestPlantedFaults(t *testing.T) {
	t.Parallel()
	rings := func(e *explorer) []global { return e.threeRings() }
	one := func(e *explorer) []global {
		e.grows, e.checks = true, e.growing
		return []global{e.start(0)}
	}
	for _, x := range []struct {
		name   string
		nodes  int
		faults faults
		config func(e *explorer)
		from   func(e *explorer) []global
		finds  []string
		size   size
	}{
		{
			"a predecessor's word adopts a node that is dead", 4,
			faults{adoptUnasked: true},
			all(), rings,
			[]string{"no live successor", "principals", "no ideal ring"},
			small,
		},
		{"lists are not filled", 4, faults{shortLists: true}, all(), rings, []string{"principals"}, small},
		{
			"a ring starts from one node with padded lists", 3,
			faults{padLists: true},
			all(), one,
			[]string{"two rings", "disordered"},
			small,
		},
		{
			"a joiner trusts the head of a list", 3,
			faults{trustHead: true},
			all(), one,
			[]string{"no live successor", "two rings", "disordered"},
			small,
		},
		{
			"state queries are answered during a step", 4,
			faults{answerBusy: true},
			all(flying, rejoining), rings,
			[]string{"principals"},
			medium,
		},
	} {
		t.Run(x.name, func(t *testing.T) {
			x.size.skip(t)
			t.Parallel()
			e := newExplorer(x.nodes, 2)
			e.faults = x.faults
			x.config(e)
			err := e.explore(x.from(e)...)
			if err == nil {
				_, err = e.converge()
			}
			if err == nil {
				t.Fatalf("nothing found in %d states", len(e.seen))
			}
			first, _, _ := strings.Cut(err.Error(), "\n")
			if !slices.ContainsFunc(x.finds, func(s string) bool { return strings.Contains(first, s) }) {
				t.Fatalf("found something else: %v", err)
			}
			t.Logf("after %d states: %s", len(e.seen), err)
		})
	}
}

// script is a run by hand, one step of one node after the other.
type script struct {
	t *testing.T
	e *explorer
	g global
}

func newScript(t *testing.T, nodes int, f faults, members ...int) *script {
	t.Helper()
	e := newExplorer(nodes, 2)
	e.faults = f
	return &script{t: t, e: e, g: e.start(members...)}
}

func (s *script) join(i, sponsor int) {
	s.g.settle(i, s.e.apply(s.g.local[i], opJoin, sponsor, s.e.living(&s.g)))
	s.e.runStep(&s.g, i, opJoin, s.e.living(&s.g))
}

// stabilize has node i ask its successor. What it learns to ask next is left to
// stabilizeFromPredecessor.
func (s *script) stabilize(i int) {
	s.g.settle(i, s.e.apply(s.g.local[i], opStabilize, 0, s.e.living(&s.g)))
	s.e.runStep(&s.g, i, opStabilize, s.e.living(&s.g))
}

func (s *script) stabilizeFromPredecessor(i int) {
	if s.e.states[s.g.local[i]].asks >= 0 {
		s.e.deliver(&s.g, i, s.e.living(&s.g))
	}
}

// rectify delivers the notify of node from to i, if one is on its way.
func (s *script) rectify(i, from int) {
	if bit := notifyBit(from, i); s.g.notifies&bit != 0 {
		s.g.notifies &^= bit
		s.g.settle(i, s.e.apply(s.g.local[i], opNotified, from, s.e.living(&s.g)))
	}
}

func (s *script) rectifyAll() {
	for i := range s.e.nodes {
		for from := range s.e.nodes {
			s.rectify(i, from)
		}
	}
}

func (s *script) fail(i int) { s.e.fail(&s.g, i) }

func (s *script) succs(i int, want ...int) {
	s.t.Helper()
	if got := s.e.states[s.g.local[i]].succs; !slices.Equal(got, want) {
		s.t.Errorf("node %d has the successors %v, want %v\n%s", i, got, want, s.e.show(&s.g))
	}
}

// splitFromOne is a split ring from one node with padded lists, inside all the assumptions of the
// proof but its r+1 nodes at the start.
func splitFromOne(s *script, check bool) {
	succs := func(i int, want ...int) {
		s.t.Helper()
		if check {
			s.succs(i, want...)
		}
	}
	s.join(1, 0)
	s.join(2, 1)
	s.stabilize(2)
	s.rectify(0, 2)
	s.stabilize(0)
	s.stabilizeFromPredecessor(0)
	succs(0, 2, 0)
	s.stabilize(0)
	s.stabilize(2)
	succs(2, 0, 2)
	s.stabilizeFromPredecessor(0)
	succs(0, 1, 0)
	s.stabilize(1)
	succs(1, 0, 1)
}

func TestSplitFromOneNode(t *testing.T) {
	t.Parallel()
	padded := newScript(t, 3, faults{padLists: true, answerBusy: true}, 0)
	splitFromOne(padded, true)
	padded.fail(0)
	if err := padded.e.leavesSuccessors(&padded.g); err != nil {
		t.Errorf("the failure is outside the assumptions: %v", err)
	}
	if err := padded.e.oneRing(&padded.g); err == nil {
		t.Errorf("the published protocol is not seen to split the ring:\n%s", padded.e.show(&padded.g))
	}
	shipped := newScript(t, 3, faults{}, 0)
	shipped.e.probe = true
	splitFromOne(shipped, false)
	if err := shipped.e.growing(&shipped.g); err != nil {
		t.Errorf("%v:\n%s", err, shipped.e.show(&shipped.g))
	}
	// Without padding nobody takes itself for a successor: the same death is one that leaves a node
	// none, and the probe heals even that.
	shipped.fail(0)
	if err := shipped.e.leavesSuccessors(&shipped.g); err == nil {
		t.Errorf("a list is padded:\n%s", shipped.e.show(&shipped.g))
	}
	if _, err := shipped.e.roundsToIdeal(shipped.g, map[global]uint8{}); err != nil {
		t.Error(err)
	}
}

// zave is her split with r = 2: the ring {0, 2}, each with itself as second successor; 1
// and 3 join, are incorporated, and die; both survivors promote themselves.
func zave(s *script) {
	s.join(1, 0)
	s.join(3, 2)
	for _, i := range []int{1, 3} {
		s.stabilize(i)
		s.rectifyAll()
	}
	for _, i := range []int{0, 2} {
		s.stabilize(i)
		s.stabilizeFromPredecessor(i)
		s.rectifyAll()
	}
}

func TestZavesSplit(t *testing.T) {
	t.Parallel()
	published := newScript(t, 4, faults{padLists: true, shortLists: true}, 0, 2)
	for i, other := range map[int]int{0: 2, 2: 0} {
		m := published.e.states[published.g.local[i]].m.clone()
		m.succs = []Position{published.e.nodes[other], published.e.nodes[i]}
		published.g.local[i] = published.e.intern(m)
	}
	zave(published)
	published.fail(1)
	published.fail(3)
	published.stabilize(0)
	published.stabilize(2)
	if err := published.e.oneRing(&published.g); err == nil || !strings.Contains(err.Error(), "two rings") {
		t.Errorf("the published protocol is not seen to split the ring: %v\n%s", err, published.e.show(&published.g))
	}
	shipped := newScript(t, 4, faults{}, 0, 2)
	zave(shipped)
	shipped.fail(1)
	shipped.fail(3)
	if err := shipped.e.oneRing(&shipped.g); err != nil {
		t.Errorf("%v:\n%s", err, shipped.e.show(&shipped.g))
	}
	if _, err := shipped.e.roundsToIdeal(shipped.g, map[global]uint8{}); err != nil {
		t.Error(err)
	}
}
