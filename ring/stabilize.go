package ring

import "slices"

// stabilize is "stabilize from successor": ask the first successor for its predecessor and list. A
// node with an empty list is its own successor, so its own predecessor is the candidate.
func (m *Machine) stabilize() {
	if !m.joined || m.stepping() {
		return
	}
	if len(m.succs) > 0 {
		m.query(querySuccessor, m.succs[0])
		return
	}
	if len(m.preds) > 0 {
		m.query(queryCandidate, m.preds[0])
	}
}

// successorAnswered ends stabilize from successor: h lives, and its list stands behind it. If its
// predecessor lies between us, that one is asked next; only its own answer makes it
// a successor.
func (m *Machine) successorAnswered(h Position, st State) {
	if len(m.succs) == 0 || m.succs[0] != h {
		return
	}
	if !st.Member() {
		m.declareDead(h)
		return
	}
	m.setSuccs(m.behind(h, st.Succs))
	if len(st.Preds) > 0 {
		c := st.Preds[0]
		if c.IsNode() && Between(m.cfg.Self, c, h) && !m.isDead(c) {
			if m.faults.adoptUnasked {
				m.setSuccs(m.behind(c, m.succs))
				m.notify(c)
				return
			}
			m.query(queryCandidate, c)
			return
		}
	}
	m.notify(h)
}

// candidateAnswered ends stabilize from predecessor: c lives and lies nearer than the
// present successor.
func (m *Machine) candidateAnswered(c Position, st State) {
	if !m.mayPrecede(c) {
		return
	}
	if !st.Member() {
		m.declareDead(c)
		m.notifyHead()
		return
	}
	if m.faults.shortLists && len(m.succs) > 0 {
		m.setSuccs(append([]Position{c}, m.succs[1:]...))
		m.notify(c)
		return
	}
	m.setSuccs(m.behind(c, st.Succs))
	m.notify(c)
}

// candidateTimedOut leaves the successors as they are.
func (m *Machine) candidateTimedOut(c Position) {
	m.suspect(c)
	m.notifyHead()
}

// mayPrecede reports whether c may become the first successor: it lies between this
// node and the present one, or there is none.
func (m *Machine) mayPrecede(c Position) bool {
	if !m.joined || !c.IsNode() || c == m.cfg.Self {
		return false
	}
	return len(m.succs) == 0 || Between(m.cfg.Self, c, m.succs[0])
}

// behind returns h and the list that h gave: distinct others, not past this node, at most r.
func (m *Machine) behind(h Position, list []Position) []Position {
	out := make([]Position, 1, m.cfg.Successors)
	out[0] = h
	if m.faults.padLists {
		return append(out, list[:min(len(list), m.cfg.Successors-1)]...)
	}
	return m.extend(out, list, m.cfg.Successors)
}

// extend appends the positions of list to out until self comes, which closes the
// ring, or there are limit. It skips what is there already.
func (m *Machine) extend(out, list []Position, limit int) []Position {
	for _, p := range list {
		if len(out) >= limit {
			break
		}
		if p == m.cfg.Self {
			break
		}
		if p.IsNode() && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

func (m *Machine) setSuccs(list []Position) {
	if slices.Equal(m.succs, list) {
		return
	}
	m.succs = list
	m.dirty = true
	m.hadPeers = m.hadPeers || len(list) > 0
	m.hasten()
}

// dropSuccessor forgets p as a successor, without padding the list.
func (m *Machine) dropSuccessor(p Position) {
	if i := slices.Index(m.succs, p); i >= 0 {
		m.setSuccs(slices.Delete(slices.Clone(m.succs), i, i+1))
	}
}

func (m *Machine) notify(to Position) { m.do(Notify{To: to}) }

func (m *Machine) notifyHead() {
	if len(m.succs) > 0 {
		m.notify(m.succs[0])
	}
}
