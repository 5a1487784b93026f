package ring

import "slices"

// timers are the ticks at which the periodic operations are due.
type timers struct {
	stabilize   uint64
	predecessor uint64
	finger      uint64
	probe       uint64
	join        uint64
	orphan      uint64
	pace        uint32 // the present period of stabilize, Fast to Stabilize
	calm        int    // stabilizations since the last change
	// predecessorPace is the same of the predecessor's query, Fast to Predecessor.
	predecessorPace uint32
}

// tick lets time pass and starts what is due. Each operation is a method of its own, and tick the
// only one to start it but for the events that want it at once.
func (m *Machine) tick(elapsed uint32) {
	m.now += uint64(max(elapsed, 1))
	if elapsed >= m.cfg.Pause {
		m.wake()
	}
	m.expire()
	m.clearSuspicion()
	if m.withdrawn {
		return
	}
	if !m.joined {
		if m.now >= m.timers.join {
			m.timers.join = m.after(m.cfg.JoinRetry)
			m.joinRound()
		}
		return
	}
	if m.orphaned() {
		m.leaveRing()
		return
	}
	if m.now >= m.timers.stabilize && !m.stepping() {
		m.timers.stabilize = m.after(m.stabilizePeriod())
		m.stabilize()
	}
	if m.now >= m.timers.predecessor {
		m.timers.predecessor = m.after(m.predecessorPeriod())
		m.checkPredecessor()
	}
	if m.now >= m.timers.finger {
		m.timers.finger = m.after(m.fingerPeriod())
		m.fixFinger()
	}
	if m.now >= m.timers.probe {
		m.timers.probe = m.after(m.probePeriod())
		m.probe()
	}
}

// wake is what a node does that finds it was paused: whatever was outstanding says
// nothing of the others, and its own health is in doubt.
func (m *Machine) wake() {
	m.pending = nil
	m.suspicions = nil
	m.notified = nil
	m.joining.candidate = Position{}
	m.healthScore = min(m.healthScore+2, maxHealthScore)
}

// clearSuspicion ends the suspicion of neighbors that others still name when their death is
// long enough ago: whoever named them has asked them since.
func (m *Machine) clearSuspicion() {
	for _, p := range m.cache.suspects {
		n := m.cache.note(p)
		if n == nil || n.dead == 0 || m.cache.isDead(p, m.now, uint64(m.cfg.DeadHold)) || m.suspicionOf(p) != nil {
			continue
		}
		if slices.Contains(m.succs, p) || slices.Contains(m.preds, p) {
			m.dirty = m.cache.setSuspect(p, false) || m.dirty
		}
	}
}

// stabilizePeriod is Fast until the node is incorporated and r stabilizations have changed nothing,
// which is how many a change takes to get through all the lists that it is in; then it doubles
// until it is Stabilize.
func (m *Machine) stabilizePeriod() uint32 {
	m.timers.calm++
	if m.incorporated && m.timers.calm > m.cfg.Successors {
		m.timers.pace = min(2*m.timers.pace, max(m.cfg.Stabilize, m.cfg.Fast))
	}
	return m.timers.pace
}

// hasten has stabilize run at the next tick, and often until nothing changes any more.
func (m *Machine) hasten() {
	m.timers.pace, m.timers.calm = m.cfg.Fast, 0
	m.timers.stabilize = m.now
}

// after returns the tick one period from here, spread by a quarter of it both ways.
func (m *Machine) after(period uint32) uint64 {
	p := uint64(period)
	return m.now + max(p-p/4+m.rng.below(p/2+1), 1)
}

// random is SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): one word of state, which
// a copy of the machine copies.
type random struct{ state uint64 }

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number from 0 to n-1, and 0 if n is 0.
func (r *random) below(n uint64) uint64 {
	if n == 0 {
		return 0
	}
	return r.next() % n
}
