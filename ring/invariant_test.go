package ring

import (
	"fmt"
	"math/bits"
)

// principals is the set of members that no member's extended list skips, nor, when it
// is adopted, a list on its way.
func (e *explorer) principals(g *global, members uint8) uint8 {
	set := members
	for i := range e.nodes {
		if members&(1<<i) != 0 {
			set &^= e.states[g.local[i]].skips
		}
		if a := g.answer[i]; a > answerBusy {
			set &^= e.states[a-1].skips
		}
	}
	return set
}

// onItsWay is the set of successors that node i will adopt with the answer on its way.
func (e *explorer) onItsWay(g *global, i int) (set uint8, any bool) {
	if g.answer[i] <= answerBusy {
		return 0, false
	}
	asker, told := e.states[g.local[i]], e.states[g.answer[i]-1]
	if !told.joined {
		return 0, false
	}
	list := told.succs
	if asker.kind == queryJoin && len(list) > 0 && asker.verified != list[0] {
		return 0, false // it makes sure of the head first
	}
	if asker.kind != queryJoin || len(list) == 0 {
		set |= 1 << asker.asks
		list = list[:min(len(list), e.r-1)]
	}
	for _, s := range list {
		set |= 1 << s
	}
	return set &^ (1 << i), true
}

// invariant is that of docs/ring.md: every member has a live successor in its list, and there are
// at least min(n, r+1) principals. A member that is the last one needs none. A list on its
// way counts like that of a member.
func (e *explorer) invariant(g *global) error {
	members := e.living(g).members
	n := bits.OnesCount8(members)
	if err := e.oneLiveSuccessor(g); err != nil {
		return err
	}
	if p := bits.OnesCount8(e.principals(g, members)); p < min(n, e.r+1) {
		return fmt.Errorf("%d principals of %d members", p, n)
	}
	return nil
}

func (e *explorer) oneLiveSuccessor(g *global) error {
	members := e.living(g).members
	if bits.OnesCount8(members) < 2 {
		return nil
	}
	for i := range e.nodes {
		if members&(1<<i) != 0 && e.states[g.local[i]].succSet&members == 0 {
			return fmt.Errorf("node %d has no live successor", i)
		}
		if set, any := e.onItsWay(g, i); any && set&members == 0 {
			return fmt.Errorf("the list on its way to node %d has no live successor", i)
		}
	}
	return nil
}

// mayFail reports whether the assumptions of the proof let node x die: it leaves every
// member a live successor, and enough principals.
func (e *explorer) mayFail(g *global, x int) bool {
	died := 0
	for i := range e.nodes {
		if g.local[i] == dead {
			died++
		}
	}
	if died >= e.fails {
		return false
	}
	if e.anyFailure {
		return true
	}
	h := *g
	e.fail(&h, x)
	members := e.living(&h).members
	if members == 0 || !e.grows && bits.OnesCount8(e.principals(&h, members)) <= e.r {
		return false
	}
	if e.grows && !e.orderly {
		return e.leavesSuccessors(&h) == nil
	}
	return e.checks(&h) == nil
}

func (e *explorer) fail(g *global, x int) {
	g.local[x] = dead
	g.answer[x] = 0
	for i := range e.nodes {
		g.notifies &^= notifyBit(i, x)
	}
}
