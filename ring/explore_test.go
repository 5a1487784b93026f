package ring

import (
	"fmt"
)

// global is one state of a small network: of each node the local state and the answer
// on its way to it, and the notifies on their way.
type global struct {
	local    [maxNodes]localID
	answer   [maxNodes]answer
	notifies uint64 // bit maxNodes*from+to
}

// maxNodes is how many nodes a global state has room for.
const maxNodes = 7

func notifyBit(from, to int) uint64 { return 1 << (maxNodes*from + to) }

// answer is a reply in flight: 0 for none, 1 for Busy, otherwise 1 + the local state that the
// answer tells of.
type answer uint16

const answerBusy answer = 1

// explorer visits every state that a network can reach.
type explorer struct {
	*locals
	r      int
	async  bool // messages are in flight; otherwise each step is one transition
	probe  bool
	fails  int  // how many nodes may die
	rejoin bool // dead nodes come back
	// a probe finds what a lookup through any member finds; otherwise it may find any member, which
	// is more
	routed     bool
	grows      bool // the ring starts from one node
	orderly    bool // of a growing ring: a node dies only if that leaves one ring in order
	anyFailure bool // nodes die whatever that leaves; otherwise only as the proof assumes
	checks     func(g *global) error

	seen    []global
	parent  []uint32
	table   []uint32 // open addressing: index into seen, plus 1
	limit   int
	stopped bool
	edges   int
}

func newExplorer(nodes, r int) *explorer {
	e := &explorer{locals: newLocals(nodes, r), r: r, fails: nodes}
	e.table = make([]uint32, 1<<16)
	return e
}

func (g *global) hash() uint64 {
	h := g.notifies * 0x9e3779b97f4a7c15
	for i := range g.local {
		h = (h ^ uint64(g.local[i]) ^ uint64(g.answer[i])<<20) * 0xff51afd7ed558ccd
		h ^= h >> 29
	}
	return h
}

// find returns the index of g among the states seen; fresh is true if it was added.
func (e *explorer) find(g *global, parent uint32) (at uint32, fresh bool) {
	mask := uint64(len(e.table) - 1)
	for i := g.hash() & mask; ; i = (i + 1) & mask {
		slot := e.table[i]
		if slot == 0 {
			e.seen = append(e.seen, *g)
			e.parent = append(e.parent, parent)
			at = uint32(len(e.seen) - 1)
			e.table[i] = at + 1
			if len(e.seen)*2 > len(e.table) {
				e.grow()
			}
			return at, true
		}
		if e.seen[slot-1] == *g {
			return slot - 1, false
		}
	}
}

func (e *explorer) grow() {
	e.table = make([]uint32, 2*len(e.table))
	mask := uint64(len(e.table) - 1)
	for at := range e.seen {
		i := e.seen[at].hash() & mask
		for e.table[i] != 0 {
			i = (i + 1) & mask
		}
		e.table[i] = uint32(at + 1)
	}
}

// start adds the ideal ring of the given members, the other nodes being in no ring.
func (e *explorer) start(members ...int) global {
	var g global
	for i := range e.nodes {
		m := e.blank(i)
		for k, member := range members {
			if member != i {
				continue
			}
			m.joined, m.incorporated = true, true
			for j := 1; j < len(members) && j <= e.r; j++ {
				m.succs = append(m.succs, e.nodes[members[(k+j)%len(members)]])
			}
			if len(members) > 1 {
				m.preds = []Position{e.nodes[members[(k+len(members)-1)%len(members)]]}
			} else if e.faults.padLists {
				for range e.r {
					m.succs = append(m.succs, m.cfg.Self)
				}
				m.preds = []Position{m.cfg.Self}
			}
		}
		g.local[i] = e.intern(m)
	}
	return g
}

// living says which nodes are up, and which of them in a ring.
func (e *explorer) living(g *global) alive {
	var living, members uint8
	for i := range e.nodes {
		if g.local[i] == dead {
			continue
		}
		living |= 1 << i
		if e.states[g.local[i]].joined {
			members |= 1 << i
		}
	}
	return alive{living: living, members: members}
}

// settle puts the result of an operation at node i into g.
func (g *global) settle(i int, r result) {
	g.local[i] = r.local
	g.notifies |= uint64(r.notifies) << (maxNodes * i)
}

// deliver carries the outstanding query of node i to its target and the answer back, in one go.
func (e *explorer) deliver(g *global, i int, who alive) {
	f := e.states[g.local[i]]
	target := f.asks
	if who.living&(1<<target) == 0 {
		g.settle(i, e.apply(g.local[i], opTimedOut, 0, who))
		return
	}
	// only a padded list asks itself
	if target != i && e.apply(g.local[target], opQueried, i, who).busy {
		g.settle(i, e.apply(g.local[i], opBusy, 0, who))
		return
	}
	g.settle(i, e.apply(g.local[i], opAnswered, int(g.local[target]), who))
}

// successors calls visit with every state that follows g.
func (e *explorer) successors(g *global, visit func(h *global, op operation, node, arg int)) {
	who := e.living(g)
	for i := range e.nodes {
		if g.local[i] == dead {
			if e.rejoin {
				h := *g
				h.local[i] = e.intern(e.blank(i))
				visit(&h, 0, i, i)
			}
			continue
		}
		f := e.states[g.local[i]]
		start := func(op operation, arg int) {
			h := *g
			h.settle(i, e.apply(g.local[i], op, arg, who))
			if !e.async {
				e.runStep(&h, i, op, who)
			}
			visit(&h, op, i, arg)
		}
		switch {
		case f.asks >= 0 && e.async:
			h := *g
			e.progress(&h, i, who)
			visit(&h, opAnswered, i, f.asks)
		case f.asks >= 0:
			h := *g
			e.deliver(&h, i, who)
			visit(&h, opAnswered, i, f.asks)
		case !f.joined:
			for s := range e.nodes {
				if who.members&(1<<s) != 0 {
					start(opJoin, s)
				}
			}
		default:
			start(opStabilize, 0)
			if !e.everyIncorporated && !f.incorp {
				start(opPredecessor, 0)
			}
			for s := range e.nodes {
				if !e.probe || s == i || who.members&(1<<s) == 0 {
					continue
				}
				if !e.routed {
					start(opProbe, s)
				} else if found := e.lookup(g, s, i, who.members); found >= 0 && found != i {
					start(opProbe, found)
				}
			}
		}
		if f.asks < 0 || e.async {
			for from := range e.nodes {
				if bit := notifyBit(from, i); g.notifies&bit != 0 {
					h := *g
					h.notifies &^= bit
					h.settle(i, e.apply(g.local[i], opNotified, from, who))
					visit(&h, opNotified, i, from)
				}
			}
		}
		if f.joined && e.mayFail(g, i) {
			h := *g
			e.fail(&h, i)
			visit(&h, 0, i, 0)
		}
	}
}

// lookup walks the shipped views from node via to the successor of node target; -1 if it gets
// nowhere.
func (e *explorer) lookup(g *global, via, target int, members uint8) int {
	for range 2 * len(e.nodes) {
		if e.states[g.local[via]].m.View().IsSuccessorOf(e.nodes[target]) {
			return via
		}
		next := -1
		for _, p := range e.route(g.local[via], target) {
			if members&(1<<p) != 0 {
				next = p
				break
			}
		}
		if next < 0 {
			return -1
		}
		via = next
	}
	return -1
}

// runStep carries out the query that an operation has begun, so that the step is one
// transition. A join is one transition as a whole.
func (e *explorer) runStep(g *global, i int, op operation, who alive) {
	for e.states[g.local[i]].asks >= 0 {
		k := e.states[g.local[i]].kind
		if op == opStabilize && k == queryCandidate && len(e.states[g.local[i]].succs) > 0 {
			return // stabilize from predecessor is a transition of its own
		}
		e.deliver(g, i, who)
		if op != opJoin {
			return
		}
	}
}

// progress moves the outstanding query of node i one message on.
func (e *explorer) progress(g *global, i int, who alive) {
	f := e.states[g.local[i]]
	switch a := g.answer[i]; {
	case a == answerBusy:
		g.settle(i, e.apply(g.local[i], opBusy, 0, who))
		g.answer[i] = 0
	case a != 0:
		g.settle(i, e.apply(g.local[i], opAnswered, int(a-1), who))
		g.answer[i] = 0
	case who.living&(1<<f.asks) == 0:
		g.settle(i, e.apply(g.local[i], opTimedOut, 0, who))
	case e.apply(g.local[f.asks], opQueried, i, who).busy:
		g.answer[i] = answerBusy
	default:
		g.answer[i] = answer(g.local[f.asks]) + 1
	}
}

// explore visits every state reachable from the given ones, and returns the first that violates the
// checks.
func (e *explorer) explore(from ...global) error {
	if e.checks == nil {
		e.checks = e.invariant
	}
	for i := range from {
		if err := e.checks(&from[i]); err != nil {
			return fmt.Errorf("at the start: %w", err)
		}
		e.find(&from[i], 0)
	}
	for at := 0; at < len(e.seen); at++ {
		if e.limit > 0 && len(e.seen) >= e.limit {
			e.stopped = true
			return nil
		}
		g := e.seen[at]
		var wrong error
		e.successors(&g, func(h *global, op operation, node, arg int) {
			e.edges++
			if next, fresh := e.find(h, uint32(at)); fresh && wrong == nil {
				if err := e.checks(h); err != nil {
					wrong = fmt.Errorf("%w\n%s", err, e.trace(next))
				}
			}
		})
		if wrong != nil {
			return wrong
		}
	}
	return nil
}
