package ring

import (
	"fmt"
	"math/bits"
	"slices"
)

// best is the first member in the list of node i, or i itself if there is none: a node
// whose list is empty is its own successor.
func (e *explorer) best(g *global, i int, members uint8) int {
	for _, s := range e.states[g.local[i]].succs {
		if members&(1<<s) != 0 {
			return s
		}
	}
	return i
}

// oneRing checks the predicates of Zave's on the shape of the ring: there is one ring and no more,
// its members are in order, and every other member hangs on it.
func (e *explorer) oneRing(g *global) error {
	members := e.living(g).members
	if members == 0 {
		return nil
	}
	next := make([]int, len(e.nodes))
	for i := range e.nodes {
		next[i] = e.best(g, i, members)
	}
	reach := func(i int) (set uint8) {
		for range e.nodes {
			i = next[i]
			set |= 1 << i
		}
		return set
	}
	var ring uint8
	for i := range e.nodes {
		if members&(1<<i) != 0 && reach(i)&(1<<i) != 0 {
			ring |= 1 << i
		}
	}
	for i := range e.nodes {
		switch {
		case ring&(1<<i) == 0:
			continue
		case reach(i) != ring:
			return fmt.Errorf("two rings: %d reaches %05b of %05b", i, reach(i), ring)
		}
		for k := (i + 1) % len(e.nodes); k != next[i]; k = (k + 1) % len(e.nodes) {
			if k != i && ring&(1<<k) != 0 {
				return fmt.Errorf("disordered ring: %d lies between %d and its successor %d", k, i, next[i])
			}
		}
	}
	if bits.OnesCount8(ring) == 0 {
		return fmt.Errorf("no ring")
	}
	return nil // every path of successors ends in a cycle, and there is one
}

// leavesSuccessors is what a failure must leave of a ring that grows from one node:
// somebody, and a live successor for every member that has a list.
func (e *explorer) leavesSuccessors(g *global) error {
	members := e.living(g).members
	for i := range e.nodes {
		f := e.states[g.local[i]]
		lists := f.succSet
		if e.faults.padLists && slices.Contains(f.succs, i) {
			lists |= 1 << i
		}
		if members&(1<<i) != 0 && len(f.succs) > 0 && lists&members == 0 && members != 1<<i {
			return fmt.Errorf("node %d has no live successor", i)
		}
		if set, any := e.onItsWay(g, i); any && set != 0 && set&members == 0 {
			return fmt.Errorf("the list on its way to node %d has no live successor", i)
		}
	}
	return nil
}

// growing is what must hold of a ring that grows from one node: one ring, and a live
// successor for every member that has a list.
func (e *explorer) growing(g *global) error {
	if err := e.leavesSuccessors(g); err != nil {
		return err
	}
	return e.oneRing(g)
}
