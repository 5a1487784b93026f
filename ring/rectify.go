package ring

import "slices"

// maxNotified bounds the notifies kept while a step is outstanding. One that is lost comes
// again with its sender's next stabilize.
const maxNotified = 16

func (m *Machine) receiveNotify(from Position) {
	if !from.IsNode() || from == m.cfg.Self {
		return
	}
	m.heard(from)
	if !m.joined || slices.Contains(m.notified, from) || len(m.notified) >= maxNotified {
		return
	}
	m.notified = append(m.notified, from)
	m.rectify()
}

// rectify settles the notifies kept: who lies nearer than the present predecessor takes its place,
// and who doesn't does so only if the present one is dead. That is found out by asking for its
// state: a peer that was restarted answers pings, and is no predecessor before it has joined again.
func (m *Machine) rectify() {
	for len(m.notified) > 0 && !m.stepping() {
		n := m.notified[0]
		if len(m.preds) > 0 && n != m.preds[0] && !Between(m.preds[0], n, m.cfg.Self) && !m.isDead(m.preds[0]) {
			m.checkPredecessor()
			return
		}
		m.notified = slices.Delete(m.notified, 0, 1)
		m.setPredecessor(n)
	}
}

// predecessorLives drops the notifies that waited for the predecessor's death.
func (m *Machine) predecessorLives() {
	m.notified = slices.DeleteFunc(m.notified, func(n Position) bool {
		return !Between(m.preds[0], n, m.cfg.Self)
	})
	m.rectify()
}

// setPredecessor takes n as predecessor. What was known to lie behind it stays, as advice, but for
// a predecessor that has only notified.
func (m *Machine) setPredecessor(n Position) {
	if len(m.preds) > 0 && m.preds[0] == n {
		return
	}
	preds := make([]Position, 1, m.cfg.Predecessors)
	preds[0] = n
	for i, p := range m.preds {
		if i == 0 && p != m.predAnswered {
			continue
		}
		if len(preds) < m.cfg.Predecessors && Between(p, n, m.cfg.Self) && !m.isDead(p) {
			preds = append(preds, p)
		}
	}
	m.preds = preds
	m.dirty = true
	m.hadPeers = true
	m.timers.predecessor = m.now
	m.timers.predecessorPace = m.cfg.Fast
	m.hasten()
}

// predecessorBusy learns no more than that the predecessor lives.
func (m *Machine) predecessorBusy(p Position) {
	m.timers.predecessor = m.now + 1 + m.rng.below(3)
	if len(m.preds) > 0 && m.preds[0] == p {
		m.predecessorLives()
	}
}

// checkPredecessor asks the predecessor for its state, unless that is under way, or its life being
// confirmed. The answer tells that it lives, whether it names this node as its successor, and what
// lies behind it.
func (m *Machine) checkPredecessor() {
	if len(m.preds) > 0 && !m.waiting(queryPredecessor) && m.suspicionOf(m.preds[0]) == nil {
		m.query(queryPredecessor, m.preds[0])
	}
}

// predecessorPeriod is short until the node is incorporated, and after a change; then it doubles
// until it is Predecessor.
func (m *Machine) predecessorPeriod() uint32 {
	if !m.incorporated {
		return min(m.cfg.Fast, m.cfg.Predecessor)
	}
	period := min(m.timers.predecessorPace, m.cfg.Predecessor)
	m.timers.predecessorPace = 2 * period
	return period
}

func (m *Machine) predecessorAnswered(p Position, st State) {
	if len(m.preds) == 0 || m.preds[0] != p {
		return
	}
	if !st.Member() {
		m.declareDead(p)
		return
	}
	m.predecessorLives()
	if len(m.preds) == 0 || m.preds[0] != p {
		return
	}
	if m.predAnswered != p {
		m.predAnswered = p
		m.dirty = true
	}
	if st.Incorporated && !m.incorporated && len(st.Succs) > 0 && st.Succs[0] == m.cfg.Self {
		m.incorporated = true
		m.dirty = true
	}
	preds := m.extend([]Position{p}, st.Preds, m.cfg.Predecessors)
	if !slices.Equal(preds, m.preds) {
		m.preds = preds
		m.dirty = true
		m.timers.predecessorPace = m.cfg.Fast
		m.timers.predecessor = min(m.timers.predecessor, m.after(m.cfg.Fast))
	}
}

// predecessorDied lets a node that waits to be the predecessor take its place. A node
// without any neighbor left has no predecessor. Otherwise the pointer stays until
// the next one notifies, so that the arc doesn't grow by a suspicion alone.
func (m *Machine) predecessorDied() {
	if len(m.notified) > 0 {
		m.rectify()
		return
	}
	m.settleAlone()
}

// settleAlone makes a member whose last neighbor is gone alone in its ring. If it
// was never incorporated, nobody knows its place, and it joins again.
func (m *Machine) settleAlone() {
	if !m.joined || len(m.succs) > 0 {
		return
	}
	if len(m.preds) > 0 && !m.isDead(m.preds[0]) {
		return
	}
	if len(m.preds) > 0 {
		m.preds = nil
		m.dirty = true
	}
	if !m.incorporated {
		m.leaveRing()
	}
}

// departed takes the polite leave of a node as its death. Its neighbors are candidates,
// to be asked before they are anything.
func (m *Machine) departed(in Departed) {
	from := in.From
	if !from.IsNode() || from == m.cfg.Self {
		return
	}
	m.learnState(in.State)
	m.dropSuccessor(from)
	m.declareDead(from)
	if !m.joined || m.stepping() || len(m.succs) > 0 {
		return
	}
	for _, list := range [][]Position{in.State.Succs, in.State.Preds} {
		for _, c := range list {
			if m.mayPrecede(c) && !m.isDead(c) {
				m.query(queryCandidate, c)
				return
			}
		}
	}
}
