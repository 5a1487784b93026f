package ring

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
