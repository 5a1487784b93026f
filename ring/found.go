package ring

// waitRounds is how many times FoundRounds a node waits for a lower peer to found before it does so
// itself. Two founders are healed by the merge probe.
const waitRounds = 4

// maxAskedRounds is after how many join rounds a node founds although it has not asked every peer
// that it remembers.
const maxAskedRounds = 32

// found makes the node the founder of a ring of its own.
func (m *Machine) found() {
	m.joined, m.founder, m.incorporated = true, true, true
	m.succs, m.preds = nil, nil
	m.becomeMember()
}

// mayFound reports whether a node that had peers may found a ring anew. When a whole
// ring has restarted nobody is incorporated and nobody may sponsor a join; so the
// lowest of those that reach each other founds, and the others join it.
//
//   - Several rounds in a row have found no member, and every peer was asked.
//   - If it reached peers that are in no ring either: none of them is lower, or they have had long
//     enough.
//   - If it reached nobody: after LoneRounds.
//
// A member that was reached, incorporated or not, forbids it: such a ring either
// takes the node in or gives itself up (Orphan).
func (m *Machine) mayFound() bool {
	rounds := m.joining.round
	if !m.hadPeers || m.joining.candidate.IsNode() || rounds < m.cfg.FoundRounds {
		return false
	}
	unjoined, lower, asked := false, false, true
	for i, n := range m.cache.notes {
		switch n.reach {
		case reachMember:
			return false
		case reachUnjoined:
			unjoined = true
			lower = lower || m.cache.peers[i].Compare(m.cfg.Self) < 0
		case reachNothing:
		}
		asked = asked && n.asked
	}
	switch {
	case !asked && rounds < maxAskedRounds:
		return false
	case !unjoined:
		return rounds >= m.cfg.LoneRounds
	default:
		return !lower || rounds >= waitRounds*m.cfg.FoundRounds
	}
}
