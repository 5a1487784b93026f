package ring

import "slices"

// A member looks beyond its neighbors by two periodic lookups: one fixes the next finger, the other
// is the merge probe.

// fixFinger fixes the next finger that takes a lookup. Those before it that the
// neighbors' arcs give away are set on the way.
func (m *Machine) fixFinger() {
	v := m.present()
	for range m.cfg.Fingers {
		i := m.nextFinger
		m.nextFinger++
		if m.nextFinger >= m.cfg.Fingers {
			m.nextFinger = 0
			m.fingersFixed = true
		}
		target := m.fingerTarget(i)
		if run, at, _ := v.around(target); at >= 0 {
			m.setFinger(i, run[at])
			continue
		}
		if next := v.Toward(target); len(next) > 0 {
			m.lookup(pending{kind: lookupFinger, to: next[0], finger: i}, target)
			return
		}
	}
}

// fingerTarget is key + 2^i, as the position of a file has it.
func (m *Machine) fingerTarget(i int) Position {
	return At(m.cfg.Self.Key + 1<<i)
}

// fingerPeriod is short until every finger was fixed once.
func (m *Machine) fingerPeriod() uint32 {
	if !m.fingersFixed {
		return min(m.cfg.Fast, m.cfg.Finger)
	}
	return m.cfg.Finger
}

func (m *Machine) setFinger(i int, p Position) {
	if p == m.cfg.Self || m.isDead(p) {
		p = Position{}
	}
	if i < len(m.fingers) && m.fingers[i] != p {
		m.fingers[i] = p
		m.dirty = true
	}
}

func (m *Machine) distinctFingers() []Position {
	out := make([]Position, 0, len(m.fingers))
	for _, p := range m.fingers {
		if p.IsNode() && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// probe is the merge probe: ask one known peer, dead ones too, for the successor of
// this node's own position. In a ring at rest that is the present successor; a nearer
// answer comes from another ring, or from pointers gone wrong, and is stabilized from.
func (m *Machine) probe() {
	if m.waiting(lookupProbe) {
		return
	}
	if via, ok := m.probeTarget(); ok {
		m.lookup(pending{kind: lookupProbe, to: via}, m.cfg.Self)
	}
}

// probeTarget picks any known peer, but a node without successors asks its predecessor first.
func (m *Machine) probeTarget() (Position, bool) {
	if len(m.succs) == 0 && len(m.preds) > 0 && m.rng.below(2) == 0 {
		return m.preds[0], true
	}
	n := uint64(len(m.cache.peers))
	if n == 0 {
		return Position{}, false
	}
	return m.cache.peers[m.rng.below(n)], true
}

// probeLocated stabilizes from s if it is nearer than the successor.
func (m *Machine) probeLocated(s Position) {
	if !m.mayPrecede(s) || m.isDead(s) {
		return
	}
	if m.stepping() {
		m.timers.probe = m.now + 1 + m.rng.below(3)
		return
	}
	m.query(queryCandidate, s)
	// Where one was missing there are mostly more.
	m.timers.probe = min(m.timers.probe, m.after(m.cfg.Stabilize))
}

// probePeriod is short for a node without successors, which has nothing else to find its ring by.
func (m *Machine) probePeriod() uint32 {
	if len(m.succs) == 0 {
		return min(m.cfg.Stabilize, m.cfg.Probe)
	}
	return m.cfg.Probe
}
