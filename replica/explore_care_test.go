package replica

import (
	"slices"
)

// care visits repair, the dropping of strays, the collection of tombstones, and leaving.
func (e *explorer) care(g *global, i int, visit func(*global, label, error)) {
	n := e.nodes[g.node[i]]
	if !n.joined {
		return
	}
	if n.grants.Synced && !n.grants.Degraded && n.leaving == 0 && e.repairs {
		e.repair(g, i, visit)
	}
	if e.drops {
		e.dropSteps(g, i, visit)
	}
	if g.spent.collections < e.most.collections {
		e.collect(g, i, visit)
	}
	switch {
	case n.leaving == 0 && g.spent.leaves < e.most.leaves && len(n.succs) > 0 && n.inc:
		h := *g
		h.spent.leaves++
		m := e.edit(&h, i)
		m.leaving = 1
		e.put(&h, m)
		visit(&h, label{evLeave, uint8(i), 0}, nil)
	case n.leaving == 1:
		e.handOver(g, i, visit)
	case n.leaving == 2:
		e.depart(g, i, visit)
	}
}

// arcHolders are the other holders of the arc of n, and whether they are all there shall be.
func (e *explorer) arcHolders(n *node) []int {
	var out []int
	for _, list := range [][]int{n.preds[:min(1, len(n.preds))], n.succs} {
		for _, p := range list {
			if p != n.pos && !slices.Contains(out, p) && len(out) < e.copies-1 {
				out = append(out, p)
			}
		}
	}
	return out
}

// repair reconciles the arc of i with one of its holders, or ends a round in which all agree.
func (e *explorer) repair(g *global, i int, visit func(*global, label, error)) {
	n := e.nodes[g.node[i]]
	agreed := true
	for _, p := range e.arcHolders(n) {
		t := e.nodes[g.node[p]]
		if !t.up {
			agreed = false
			continue
		}
		same := true
		for k := range e.keys {
			same = same && (!e.ownsKey(n, k) || slices.Equal(n.disk[k], t.disk[k]) && !e.quarantined(n, k) && !e.quarantined(t, k))
		}
		if same {
			continue
		}
		agreed = false
		h := *g
		me, other := e.edit(&h, i), e.edit(&h, p)
		for k := range e.keys {
			if !e.ownsKey(n, k) {
				continue
			}
			if !e.quarantined(t, k) {
				for _, id := range t.disk[k] {
					e.keep(me, k, id)
				}
			}
			if !e.quarantined(n, k) {
				for _, id := range me.disk[k] {
					e.keep(other, k, id)
				}
			}
		}
		e.put(&h, me)
		e.put(&h, other)
		if h != *g {
			visit(&h, label{evRepair, uint8(i), uint8(p)}, nil)
		}
	}
	if agreed {
		h := *g
		me := e.edit(&h, i)
		me.arc.Repaired(n.grants.Grant)
		e.put(&h, me)
		if h != *g {
			visit(&h, label{evRepaired, uint8(i), 0}, nil)
		}
	}
}

// stray reports whether n's copies of key k are outside its arcs, as ring.View.MayHold tells.
func (e *explorer) stray(n *node, k int) bool {
	if !n.inc || len(n.succs) == 0 || len(n.preds) < e.copies-1 {
		return false
	}
	holders, complete := e.holders(n, k)
	return holders != nil && complete && !slices.Contains(holders, n.pos)
}

// dropSteps has node j ask owners about a stray, and drop it when one has allowed that.
func (e *explorer) dropSteps(g *global, j int, visit func(*global, label, error)) {
	n := e.nodes[g.node[j]]
	for k := range e.keys {
		if len(n.disk[k]) == 0 || !e.stray(n, k) || n.leaving > 0 {
			continue
		}
		if n.released[k] == n.disk[k][0] {
			h := *g
			m := e.edit(&h, j)
			m.disk[k], m.released[k] = nil, 0
			e.put(&h, m)
			var err error
			for _, id := range n.disk[k] {
				if g.acked&(1<<id) != 0 && e.copiesOf(g, id, j)+int(g.spent.crashes) < e.copies {
					err = errP6
				}
			}
			visit(&h, label{evDrop, uint8(j), uint8(k)}, err)
			continue
		}
		for o := range e.n {
			if o == j || !e.serves(e.nodes[g.node[o]], k) || e.nodes[g.node[o]].grants.Degraded {
				continue
			}
			h := *g
			e.release(&h, j, o, k)
			if h != *g {
				visit(&h, label{evRelease, uint8(j), uint8(k)}, nil)
			}
		}
	}
}

// release is the owner o's verdict on j's copies of key k: it takes what it lacks, or allows to
// drop.
func (e *explorer) release(g *global, j, o, k int) {
	n, owner := e.nodes[g.node[j]], e.nodes[g.node[o]]
	has := func(t *node, id recID) bool {
		return !e.quarantined(t, k) && slices.ContainsFunc(t.disk[k], func(h recID) bool {
			return h == id || e.records[h].Supersedes(e.records[id].Version)
		})
	}
	for _, id := range n.disk[k] {
		if !has(owner, id) {
			if !e.quarantined(n, k) {
				m := e.edit(g, o)
				e.keep(m, k, id)
				e.put(g, m)
			}
			return
		}
	}
	holders, complete := e.holders(owner, k)
	if !e.driver.dropBlindly {
		if !complete || len(holders) < e.copies || slices.Contains(holders, j) {
			return
		}
		for _, p := range holders {
			t := e.nodes[g.node[p]]
			for _, id := range n.disk[k] {
				if !t.up || !has(t, id) {
					return
				}
			}
		}
	}
	m := e.edit(g, j)
	m.released[k] = n.disk[k][0]
	e.put(g, m)
}

// collect removes a tombstone that all holders have, the grace period being over: whatever copies
// others have, nobody has confirmed for so long.
func (e *explorer) collect(g *global, i int, visit func(*global, label, error)) {
	n := e.nodes[g.node[i]]
	for k := range e.keys {
		if !e.serves(n, k) || n.grants.Degraded || len(n.disk[k]) != 1 || !e.records[n.disk[k][0]].deleted || e.quarantined(n, k) {
			continue
		}
		holders, complete := e.holders(n, k)
		all := complete
		for _, p := range holders {
			t := e.nodes[g.node[p]]
			all = all && t.up && slices.Equal(t.disk[k], n.disk[k])
		}
		busy := false
		for j := range e.puts {
			busy = busy || e.keyOfPut(j) == k && g.puts[j].phase > putNew && g.puts[j].phase < putUncertain
		}
		if !all && !e.driver.collectEarly || busy {
			continue
		}
		h := *g
		h.spent.collections++
		tombstone := e.records[n.disk[k][0]]
		e.count(&h, n.disk[k][0])
		for p := range e.n {
			t := e.edit(&h, p)
			switch {
			case slices.Contains(holders, p) && t.up && slices.Equal(t.disk[k], n.disk[k]):
				t.disk[k] = nil
			case len(t.disk[k]) > 0 && !e.driver.collectEarly:
				t.doubtful |= 1 << k
			}
			e.put(&h, t)
		}
		for id := 1; id < len(e.records); id++ {
			if r := e.records[id]; r.key == k && (r.Version == tombstone.Version || tombstone.Supersedes(r.Version)) {
				h.acked &^= 1 << id
			}
		}
		for j := range e.puts { // a record this old is refused
			if e.keyOfPut(j) == k && h.puts[j].phase == putUncertain {
				h.puts[j].phase = putAcked
			}
		}
		if h.read.phase != readNone { // no get lasts for the grace period
			h.read = read{phase: readEnded}
		}
		visit(&h, label{evCollect, uint8(i), uint8(k)}, nil)
	}
}

// handOver gives the leaver's copies to those who hold them without it.
func (e *explorer) handOver(g *global, i int, visit func(*global, label, error)) {
	n := e.nodes[g.node[i]]
	h := *g
	for k := range e.keys {
		if len(n.disk[k]) == 0 {
			continue
		}
		holders, _ := e.holders(n, k)
		heirs := Heirs(position(i), positions(n.preds), positions(n.succs), positions(holders), e.copies)
		given := 0
		for _, p := range heirs {
			if t := e.nodes[h.node[number(p)]]; t.up && t.joined {
				m := e.edit(&h, t.pos)
				for _, id := range n.disk[k] {
					e.keep(m, k, id)
				}
				e.put(&h, m)
				given++
			}
		}
		if given < min(2, len(n.succs)) {
			return // it can't be handed over now
		}
	}
	m := e.edit(&h, i)
	m.leaving = 2
	e.put(&h, m)
	visit(&h, label{evHandOver, uint8(i), 0}, nil)
}

// depart has the neighbors told, and the leaver gone with its disk.
func (e *explorer) depart(g *global, i int, visit func(*global, label, error)) {
	h := *g
	n := e.nodes[g.node[i]]
	e.down(&h, i, nil)
	for p := range e.n {
		if t := e.nodes[h.node[p]]; t.up && (slices.Contains(n.preds, p) || slices.Contains(n.succs, p)) {
			m := e.edit(&h, p)
			m.arc.Departed(position(i))
			e.put(&h, m)
		}
	}
	visit(&h, label{evDepart, uint8(i), 0}, nil)
}
