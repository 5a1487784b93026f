package ring

import "slices"

// maxHealthScore is the greatest doubt in the node's own health. memberlist's awareness has 8 too.
const maxHealthScore = 8

// suspicion is a peer whose life is being confirmed: first by a ping of its own, then
// by a round of pings, direct and through others.
type suspicion struct {
	target  Position
	open    int  // pings of the round outstanding
	through int  // pings of the round that went through others
	round   int  // 0: the first ping alone
	reached bool // another peer reaches it
	refuted bool // another peer answered that it doesn't
}

// patience is the factor for the driver's time-outs.
func (m *Machine) patience() uint32 { return 1 + m.healthScore }

// check has p pinged, and put under suspicion if it doesn't answer.
func (m *Machine) check(p Position) {
	if !p.IsNode() || p == m.cfg.Self || m.suspicionOf(p) != nil {
		return
	}
	m.suspicions = append(m.suspicions, suspicion{target: p, open: 1})
	m.ping(pingSuspect, p, Position{})
}

// suspect has p, which has failed to answer, confirmed through others.
func (m *Machine) suspect(p Position) {
	if !p.IsNode() || p == m.cfg.Self || m.suspicionOf(p) != nil {
		return
	}
	m.suspicions = append(m.suspicions, suspicion{target: p})
	m.nextRound(m.suspicionOf(p))
}

func (m *Machine) suspicionOf(p Position) *suspicion {
	i := slices.IndexFunc(m.suspicions, func(s suspicion) bool { return s.target == p })
	if i < 0 {
		return nil
	}
	return &m.suspicions[i]
}

func (m *Machine) endSuspicion(p Position) {
	m.suspicions = slices.DeleteFunc(m.suspicions, func(s suspicion) bool { return s.target == p })
}

// nextRound pings the target directly and through others.
func (m *Machine) nextRound(s *suspicion) {
	m.dirty = m.cache.setSuspect(s.target, true) || m.dirty
	vias := m.vias(s.target)
	s.round++
	s.open, s.through = 1+len(vias), len(vias)
	m.ping(pingSuspect, s.target, Position{})
	for _, via := range vias {
		m.ping(pingSuspect, s.target, via)
	}
}

// vias picks the peers to ping target through: neighbors not under suspicion, from a place chosen
// by chance.
func (m *Machine) vias(target Position) []Position {
	all := m.present().Neighbors()
	var out []Position
	start := int(m.rng.below(uint64(len(all))))
	for i := range all {
		p := all[(start+i)%len(all)]
		if len(out) < m.cfg.Vias && p != target && !m.cache.isSuspect(p) {
			out = append(out, p)
		}
	}
	return out
}

func (m *Machine) pingAnswered(p pending) {
	if !p.via.IsNode() {
		m.alive(p.to)
		if len(m.preds) > 0 && m.preds[0] == p.to {
			m.rectify() // a ping does not tell whether it still is a member
		}
		return
	}
	m.alive(p.via)
	if s := m.suspicionOf(p.to); s != nil {
		s.reached = true
		s.open--
		m.judge(s)
	}
}

func (m *Machine) pingMissed(p pending, refuted bool) {
	if refuted && p.via.IsNode() {
		m.alive(p.via)
	}
	if s := m.suspicionOf(p.to); s != nil {
		s.refuted = s.refuted || refuted
		s.open--
		m.judge(s)
	}
}

// judge ends a round when its last ping is reported: the target is dead, or out of this
// node's reach only, or there is another round.
//
// One round is enough if another peer says that it can't reach the target either. Otherwise
// it may be this node that is cut off, so it takes two, and one more for every two points of the
// health score.
func (m *Machine) judge(s *suspicion) {
	if s.open > 0 {
		return
	}
	target := s.target
	switch {
	case s.round == 0:
		m.nextRound(s)
	case s.reached:
		m.endSuspicion(target)
		if m.cache.missed(target) >= m.cfg.Unreachable {
			m.cache.bar(target, m.now)
			m.declareDead(target)
			return
		}
		if len(m.preds) > 0 && m.preds[0] == target {
			m.predecessorLives()
		}
	case s.refuted || s.round >= 2+int(m.healthScore/2):
		m.endSuspicion(target)
		m.declareDead(target)
	default:
		if s.through > 0 {
			m.healthScore = min(m.healthScore+1, maxHealthScore)
		}
		m.nextRound(s)
	}
}

// heard notes a message of p's own making. It refutes p's death, but a suspicion goes on:
// whether this node can reach p is still open.
func (m *Machine) heard(p Position) {
	m.learn(p)
	m.cache.heard(p, m.now)
	if s := m.suspicionOf(p); s != nil {
		s.reached = true
		return
	}
	m.dirty = m.cache.setSuspect(p, false) || m.dirty
}

// alive notes that p answered this node, which ends every suspicion of it.
func (m *Machine) alive(p Position) {
	m.learn(p)
	m.cache.answered(p, m.now)
	m.dirty = m.cache.setSuspect(p, false) || m.dirty
	if m.healthScore > 0 {
		m.healthScore--
	}
	m.endSuspicion(p)
}

// declareDead acts on the verdict that p is dead, or no member any more.
func (m *Machine) declareDead(p Position) {
	m.endSuspicion(p)
	m.learn(p)
	m.cache.buried(p, m.now)
	m.dirty = m.cache.setSuspect(p, true) || m.dirty
	for i, f := range m.fingers {
		if f == p {
			m.fingers[i] = Position{}
			m.dirty = true
		}
	}
	if len(m.succs) > 0 && m.succs[0] == p {
		m.dropSuccessor(p)
	}
	if len(m.preds) > 0 && m.preds[0] == p {
		m.predecessorDied()
	} else {
		m.settleAlone()
	}
}

// isDead reports whether p was found dead lately and has not been heard of since, or given up
// lately as out of reach and has not answered since.
func (m *Machine) isDead(p Position) bool {
	return m.cache.isDead(p, m.now, uint64(m.cfg.DeadHold))
}
