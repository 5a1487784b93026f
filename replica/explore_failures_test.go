package replica

import "slices"

// down stops a node; its disk is kept if kept is its state, and lost if it is nil.
func (e *explorer) down(g *global, i int, kept *node) {
	next := &node{pos: i}
	if kept != nil {
		next.disk, next.doubtful, next.nonce = kept.disk, kept.doubtful, kept.nonce
		next.known = append(slices.Clone(kept.preds), kept.succs...)
		slices.Sort(next.known)
		next.known = slices.Compact(next.known)
	}
	e.put(g, next)
	for p := range e.n {
		g.notifies &^= notifyBit(p, i) | notifyBit(i, p)
	}
	for j := range g.puts {
		if p := g.puts[j]; int(p.at) == i && p.phase > putNew && p.phase < putUncertain {
			g.puts[j] = put{phase: putUncertain, rec: p.rec}
		}
	}
}

// failures visits the crash of node i, its stop, and its return.
func (e *explorer) failures(g *global, i int, visit func(*global, label, error)) {
	n := e.nodes[g.node[i]]
	if !n.up {
		if n.nonce == 0 {
			return
		}
		h := *g
		m := &node{pos: i, up: true, nonce: n.nonce + 1, disk: n.disk, doubtful: n.doubtful}
		m.arc = e.newArc(i, m.nonce, false, n.known)
		e.put(&h, m)
		visit(&h, label{evRestart, uint8(i), 0}, nil)
		return
	}
	if !n.joined {
		return
	}
	if g.spent.crashes < e.most.crashes && e.mayCrash(g, i) {
		h := *g
		h.spent.crashes++
		e.down(&h, i, nil)
		visit(&h, label{evCrash, uint8(i), 0}, nil)
	}
	if g.spent.stops < e.most.stops {
		h := *g
		h.spent.stops++
		e.down(&h, i, n)
		visit(&h, label{evStop, uint8(i), 0}, nil)
	}
}

// mayCrash reports whether the loss of node i's disk is among what P1 promises to
// survive: not the last member, no version that only it was acknowledged by (alone), and, after
// the first crash, only when every version is fully replicated again.
func (e *explorer) mayCrash(g *global, i int) bool {
	others := 0
	for p := range e.n {
		if p != i && e.member(g, p) {
			others++
		}
	}
	if others == 0 {
		return false
	}
	least := 1
	if g.spent.crashes > 0 {
		least = min(e.copies, others+1) - 1
		for p := range e.n {
			if n := e.nodes[g.node[p]]; n.up && n.joined && !n.grants.Synced {
				return false
			}
		}
	}
	for id := 1; id < len(e.records); id++ {
		if g.acked&(1<<id) != 0 && e.copiesOf(g, recID(id), i) < least {
			return len(e.members) > 1 && g.spent.crashes == 0
		}
	}
	return true
}

// successors visits every state that follows g.
func (e *explorer) successors(g *global, visit func(*global, label, error)) {
	for i := range e.n {
		e.failures(g, i, visit)
		if !e.nodes[g.node[i]].up {
			continue
		}
		e.ringSteps(g, i, visit)
		e.exchanges(g, i, visit)
		e.gets(g, i, visit)
		if e.apart {
			e.reads(g, i, visit)
		}
		e.care(g, i, visit)
	}
	for j := range e.puts {
		e.putSteps(g, j, visit)
	}
}

// start is the ideal ring of the members, synced, with its first versions everywhere.
func (e *explorer) start() global {
	var g global
	for i := range e.n {
		n := &node{pos: i, up: true, nonce: 1}
		n.arc = e.newArc(i, 1, len(e.members) == 1 && i == e.members[0], nil)
		at := slices.Index(e.members, i)
		if at >= 0 {
			n.joined, n.inc = true, true
			for j := 1; j < len(e.members); j++ {
				if j <= e.world.succs {
					n.succs = append(n.succs, e.members[(at+j)%len(e.members)])
				}
				if j <= e.world.preds {
					n.preds = append(n.preds, e.members[(at+len(e.members)-j)%len(e.members)])
				}
			}
			n.ringChanged()
		}
		for k := range e.keys {
			if at >= 0 && e.stored {
				id := e.internRecord(record{key: k, Record: Record{Version: Version{Clock: 1, Writer: "0"}}})
				if e.holdsAtStart(at, e.keys[k]) {
					n.disk[k] = []recID{id}
				}
				g.acked |= 1 << id
				g.floor[k] = id
			}
		}
		e.put(&g, n)
	}
	for busy := true; busy; {
		busy = false
		for i := range e.n {
			for n := e.nodes[g.node[i]]; len(n.requests) > 0; n = e.nodes[g.node[i]] {
				busy = true
				r := n.requests[0]
				e.serve(&g, i, &r)
				m := e.edit(&g, i)
				e.deliver(m, r, true)
				e.put(&g, m)
			}
		}
	}
	for i := range e.n {
		m := e.edit(&g, i)
		m.arc.Repaired(m.arc.grant)
		e.put(&g, m)
	}
	return g
}

// holdsAtStart reports whether the member numbered at is one of the holders of the key at slot.
func (e *explorer) holdsAtStart(at, slot int) bool {
	count := len(e.members)
	owner := 0
	for i := range e.members {
		if slot == e.members[i] || between(e.members[(i+count-1)%count], slot, e.members[i]) {
			owner = i
		}
	}
	behind := (at - owner + count) % count
	return behind < e.copies-1 || behind == count-1 || behind == 0
}
