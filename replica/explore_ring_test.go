package replica

import (
	"slices"
)

// ringChanged tells the Arc of n its neighbors.
func (n *node) ringChanged() { n.take(n.arc.Ring(n.neighbors())) }

// member reports whether node i is up and in a ring.
func (e *explorer) member(g *global, i int) bool {
	n := e.nodes[g.node[i]]
	return n.up && n.joined
}

// notify has from's notify on its way to to, unless it would change nothing.
func (e *explorer) notify(g *global, from, to int) {
	t := e.nodes[g.node[to]]
	if e.member(g, to) && (len(t.preds) == 0 || t.preds[0] != from) {
		g.notifies |= notifyBit(from, to)
	}
}

// behind is head and the list behind it: distinct others, not past self.
func behind(self, head int, list []int, limit int) []int {
	out := []int{head}
	for _, p := range list {
		if p == self || len(out) >= limit {
			break
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// ringSteps visits what the ring may do at node i.
func (e *explorer) ringSteps(g *global, i int, visit func(*global, label, error)) {
	n := e.nodes[g.node[i]]
	if !n.joined {
		e.joins(g, i, visit)
		return
	}
	h := *g
	if e.stabilize(&h, i, false) && h != *g {
		visit(&h, label{evStabilize, uint8(i), 0}, nil)
	}
	if g.spent.suspicions > 0 { // a peer believed dead is passed over
		h := *g
		if e.stabilize(&h, i, true) && h != *g {
			visit(&h, label{evStabilize, uint8(i), 1}, nil)
		}
	}
	for c := range e.n {
		if e.probe && c != i && e.member(g, c) && (len(n.succs) == 0 || between(i, c, n.succs[0])) {
			h := *g
			e.fromCandidate(&h, i, c)
			visit(&h, label{evProbe, uint8(i), uint8(c)}, nil)
		}
		if g.notifies&notifyBit(c, i) != 0 {
			e.notified(g, i, c, visit)
		}
	}
	if len(n.preds) > 0 {
		h := *g
		e.askPredecessor(&h, i)
		if h != *g {
			visit(&h, label{evAskPredecessor, uint8(i), uint8(n.preds[0])}, nil)
		}
	}
	if g.spent.suspicions < e.most.suspicions {
		e.suspicions(g, i, visit)
	}
}

func (e *explorer) joins(g *global, i int, visit func(*global, label, error)) {
	anyMember := false
	for p := range e.n {
		if p == i || !e.member(g, p) {
			continue
		}
		anyMember = true
		s := e.nodes[g.node[p]]
		list := slices.DeleteFunc(slices.Clone(s.succs), func(q int) bool { return q == i })
		switch {
		case e.driver.joinAnywhere:
		case !s.inc, len(s.succs) == 0 && len(s.preds) > 0:
			continue
		}
		if len(list) > 0 && (!between(p, i, list[0]) || !e.member(g, list[0])) {
			continue
		}
		h := *g
		n := e.edit(&h, i)
		n.joined, n.inc, n.preds = true, false, []int{p}
		n.succs = []int{p}
		if len(list) > 0 {
			n.succs = behind(i, list[0], list[1:], e.world.succs)
		}
		n.ringChanged()
		e.put(&h, n)
		visit(&h, label{evJoin, uint8(i), uint8(p)}, nil)
	}
	if !anyMember && e.most.stops > 0 { // the whole ring has stopped: see ring's rule of founding
		h := *g
		n := e.edit(&h, i)
		n.joined, n.inc = true, true
		n.ringChanged()
		e.put(&h, n)
		visit(&h, label{evFound, uint8(i), 0}, nil)
	}
}

// stabilize asks the first successor, and, if that names a nearer one, that one, unless it is
// passed over.
func (e *explorer) stabilize(g *global, i int, over bool) bool {
	n := e.nodes[g.node[i]]
	if len(n.succs) == 0 {
		if len(n.preds) > 0 && e.member(g, n.preds[0]) {
			e.fromCandidate(g, i, n.preds[0])
			return true
		}
		return false
	}
	head := n.succs[0]
	if !e.member(g, head) {
		m := e.edit(g, i)
		m.succs = slices.Clone(n.succs[1:])
		e.settleAlone(g, m)
		e.put(g, m)
		return true
	}
	t := e.nodes[g.node[head]]
	if list := behind(i, head, t.succs, e.world.succs); !slices.Equal(list, n.succs) {
		m := e.edit(g, i)
		m.succs = list
		m.ringChanged()
		e.put(g, m)
	}
	if !over && len(t.preds) > 0 && t.preds[0] != i && between(i, t.preds[0], head) && e.member(g, t.preds[0]) {
		e.fromCandidate(g, i, t.preds[0])
		return true
	}
	e.notify(g, i, head)
	return true
}

// fromCandidate is "stabilize from predecessor": c answers, and becomes the successor.
func (e *explorer) fromCandidate(g *global, i, c int) {
	m := e.edit(g, i)
	m.succs = behind(i, c, e.nodes[g.node[c]].succs, e.world.succs)
	m.ringChanged()
	e.put(g, m)
	e.notify(g, i, c)
}

// adoptAsker is the fault of counterexample 5.
func (e *explorer) adoptAsker(g *global, p, asker int) {
	n := e.nodes[g.node[p]]
	if n.joined && len(n.succs) > 0 && between(p, asker, n.succs[0]) {
		e.fromCandidate(g, p, asker)
	}
}

func (e *explorer) setPredecessor(m *node, p int) {
	preds := []int{p}
	for _, q := range m.preds {
		if q != p && between(q, p, m.pos) && len(preds) < e.world.preds {
			preds = append(preds, q)
		}
	}
	m.preds = preds
	m.ringChanged()
}

// notified rectifies.
func (e *explorer) notified(g *global, i, from int, visit func(*global, label, error)) {
	h := *g
	h.notifies &^= notifyBit(from, i)
	n := e.nodes[g.node[i]]
	pred := -1
	if len(n.preds) > 0 {
		pred = n.preds[0]
	}
	takes := pred < 0 || between(pred, from, i) || !e.member(g, pred)
	if takes && pred != from {
		m := e.edit(&h, i)
		e.setPredecessor(m, from)
		e.put(&h, m)
	}
	visit(&h, label{evNotified, uint8(i), uint8(from)}, nil)
	// it believes its predecessor dead, falsely
	if !takes && g.spent.suspicions < e.most.suspicions {
		h := *g
		h.notifies &^= notifyBit(from, i)
		h.spent.suspicions++
		m := e.edit(&h, i)
		e.setPredecessor(m, from)
		e.put(&h, m)
		visit(&h, label{evDistrust, uint8(i), uint8(from)}, nil)
	}
}

// askPredecessor reads the predecessor's state, or finds it dead.
func (e *explorer) askPredecessor(g *global, i int) {
	n := e.nodes[g.node[i]]
	p := n.preds[0]
	if !e.member(g, p) {
		if len(n.succs) == 0 {
			m := e.edit(g, i)
			e.settleAlone(g, m)
			e.put(g, m)
		}
		return
	}
	t := e.nodes[g.node[p]]
	inc := n.inc || t.inc && len(t.succs) > 0 && t.succs[0] == i
	preds := behind(i, p, t.preds, e.world.preds)
	if inc == n.inc && slices.Equal(preds, n.preds) {
		return
	}
	m := e.edit(g, i)
	m.inc, m.preds = inc, preds
	m.ringChanged()
	e.put(g, m)
}

// settleAlone makes a member without successors and a live predecessor alone, or has it give its
// membership up if it never was incorporated. It tells the Arc in any case.
func (e *explorer) settleAlone(g *global, m *node) {
	if len(m.succs) == 0 && (len(m.preds) == 0 || !e.member(g, m.preds[0])) {
		m.preds = nil
		if !m.inc {
			m.joined = false
		}
	}
	m.ringChanged()
}

// suspicions has node i believe a live neighbor dead.
func (e *explorer) suspicions(g *global, i int, visit func(*global, label, error)) {
	n := e.nodes[g.node[i]]
	for p := range e.n {
		head := len(n.succs) > 0 && n.succs[0] == p
		pred := len(n.preds) > 0 && n.preds[0] == p
		if !e.member(g, p) || !head && (!pred || len(n.succs) > 0) {
			continue
		}
		h := *g
		h.spent.suspicions++
		m := e.edit(&h, i)
		if head {
			m.succs = slices.Clone(n.succs[1:])
		}
		if len(m.succs) == 0 && pred {
			m.preds = nil
			m.joined = m.inc
		}
		m.ringChanged()
		e.put(&h, m)
		visit(&h, label{evSuspect, uint8(i), uint8(p)}, nil)
	}
}
