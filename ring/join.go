package ring

import "slices"

const (
	// maxJoinWalk bounds how many sponsors one attempt asks on its way to the right one.
	maxJoinWalk = 12
	// maxJoinBusy bounds how often a busy sponsor is asked again before the next round.
	maxJoinBusy = 8
)

// joining is an attempt at joining a ring.
type joining struct {
	round     int      // join rounds since the node last was in a ring
	candidate Position // the sponsor being asked, or none
	verified  Position // the head of its list that is known to live
	steps     int      // sponsors asked so far
	busy      int      // times that the sponsor was busy
	retry     uint64   // the tick at which a busy sponsor is asked again; 0 for none
}

// joinRound asks some known peers for the successor of this node's own position, or
// founds a ring if it is time to (see found.go).
func (m *Machine) joinRound() {
	j := &m.joining
	if j.retry > 0 && j.candidate.IsNode() && !m.stepping() {
		j.retry = 0
		m.query(queryJoin, j.candidate)
		return
	}
	if m.mayFound() {
		m.found()
		return
	}
	j.round++
	fanout := m.cfg.JoinFanout
	if j.round < 8 {
		fanout = min(1<<j.round, fanout)
	}
	for _, p := range m.joinTargets(fanout) {
		m.cache.note(p).asked = true
		m.lookup(pending{kind: lookupJoin, to: p}, m.cfg.Self)
	}
}

// joinTargets picks whom to ask: the lowest peer that was reached, which is the one to
// found a ring if any must; then peers not asked yet; then any.
func (m *Machine) joinTargets(fanout int) []Position {
	var out []Position
	add := func(i int, fits bool) {
		if p := m.cache.peers[i]; fits && len(out) < fanout && !slices.Contains(out, p) && !m.looking(p) {
			out = append(out, p)
		}
	}
	n := len(m.cache.peers)
	for i := range n {
		if m.cache.notes[i].reach != reachNothing {
			add(i, true)
			break
		}
	}
	start := int(m.rng.below(uint64(n)))
	for i := range n {
		i := (start + i) % n
		add(i, !m.cache.notes[i].asked)
	}
	for i := range n {
		add((start+i)%n, true)
	}
	return out
}

// looking reports whether a joiner's lookup through p is outstanding.
func (m *Machine) looking(p Position) bool {
	return slices.ContainsFunc(m.pending, func(q pending) bool { return q.kind == lookupJoin && q.to == p })
}

// joinerMissed notes that a lookup through p got no answer.
func (m *Machine) joinerMissed(p Position) {
	if n := m.cache.note(p); n != nil {
		n.reach = reachNothing
	}
}

// joinerReached notes what the live peer p is.
func (m *Machine) joinerReached(p Position, member bool) {
	n := m.cache.note(p)
	switch {
	case n == nil:
	case member:
		n.reach = reachMember
	default:
		n.reach = reachUnjoined
	}
}

// refusedBy notes what the peer is that refused to answer a joiner's lookup. A member
// will most likely be a sponsor soon, so the next round comes early.
func (m *Machine) refusedBy(p Position, member bool) {
	m.joinerReached(p, member)
	if member && !m.joined && !m.joining.candidate.IsNode() {
		m.timers.join = min(m.timers.join, m.now+2+m.rng.below(3))
	}
}

// joinLocated starts to ask the predecessor of the node that was found.
func (m *Machine) joinLocated(via Position, in Located) {
	m.alive(via)
	if m.joined || m.withdrawn {
		return
	}
	if in.Refused {
		m.query(queryUnjoined, via)
		return
	}
	m.joinerReached(via, true)
	if m.joining.candidate.IsNode() {
		return
	}
	sponsor := in.Node
	for _, p := range in.State.Preds {
		if p.IsNode() && p != m.cfg.Self {
			sponsor = p
			break
		}
	}
	if !sponsor.IsNode() || sponsor == m.cfg.Self {
		return
	}
	m.joining.steps, m.joining.busy, m.joining.verified = 0, 0, Position{}
	m.askSponsor(sponsor)
}

func (m *Machine) askSponsor(p Position) {
	m.joining.candidate = p
	m.joining.steps++
	if m.joining.steps > maxJoinWalk || m.stepping() {
		m.abandonJoin()
		return
	}
	m.query(queryJoin, p)
}

// abandonJoin leaves the matter to the next round.
func (m *Machine) abandonJoin() {
	m.joining.candidate = Position{}
	m.joining.retry = 0
}

func (m *Machine) joinTimedOut(p Position) {
	m.joinerMissed(p)
	m.abandonJoin()
}

func (m *Machine) joinBusy(p Position) {
	m.joinerReached(p, true)
	m.askAgain(p)
}

// askAgain has the sponsor p asked again in a few ticks, some times.
func (m *Machine) askAgain(p Position) {
	m.joining.candidate = p
	m.joining.busy++
	if m.joining.busy > maxJoinBusy {
		m.abandonJoin()
		return
	}
	m.joining.retry = m.now + 1 + m.rng.below(3)
	m.timers.join = m.joining.retry
}

// joinAnswered takes over the list of the sponsor p if this node stands between p and its
// successor, and walks on to a nearer sponsor otherwise. A sponsor must be incorporated, and either
// have a list or be alone. The head of its list must be known to live; so it is pinged first and
// the sponsor asked once more, which makes the taking-over one step.
func (m *Machine) joinAnswered(p Position, st State) {
	j := &m.joining
	if m.joined || m.withdrawn || j.candidate != p {
		return
	}
	m.joinerReached(p, st.Member())
	switch {
	case !st.Member():
		m.abandonJoin()
		return
	case !st.Incorporated, len(st.Succs) == 0 && len(st.Preds) > 0:
		m.askAgain(p) // it will most likely be a sponsor in a moment
		return
	}
	list := slices.DeleteFunc(slices.Clone(st.Succs), func(q Position) bool { return !q.IsNode() })
	if len(list) == 0 {
		m.enter(p, []Position{p})
		return
	}
	if list[0] == m.cfg.Self {
		// The ring has not noticed yet that this node was gone.
		list = list[1:]
		if len(list) == 0 {
			m.enter(p, []Position{p})
			return
		}
	}
	if nearer, ok := m.lastBefore(p, list); ok {
		m.askSponsor(nearer)
		return
	}
	if head := list[0]; j.verified != head && !m.faults.trustHead {
		m.ping(pingHead, head, Position{})
		return
	}
	if m.faults.padLists {
		m.enter(p, list)
		return
	}
	m.enter(p, m.extend(nil, list, m.cfg.Successors))
}

// lastBefore returns the last of list that stands between p and this node.
func (m *Machine) lastBefore(p Position, list []Position) (Position, bool) {
	var best Position
	for _, q := range list {
		if Between(p, q, m.cfg.Self) && (!best.IsNode() || Between(best, q, m.cfg.Self)) {
			best = q
		}
	}
	return best, best.IsNode()
}

// headLives has the sponsor asked once more, its head being known to live.
func (m *Machine) headLives(head Position) {
	if m.joined || m.withdrawn || !m.joining.candidate.IsNode() || m.stepping() {
		return
	}
	m.joining.verified = head
	m.askSponsor(m.joining.candidate)
}

// enter makes the node a member behind p.
func (m *Machine) enter(p Position, succs []Position) {
	m.joined = true
	m.founder = false
	m.incorporated = false
	m.preds = []Position{p}
	m.setSuccs(succs)
	m.becomeMember()
}

// becomeMember starts the periods of a member.
func (m *Machine) becomeMember() {
	m.joining = joining{}
	m.timers.predecessor = m.now
	m.timers.predecessorPace = m.cfg.Fast
	m.timers.finger = m.now
	m.nextFinger, m.fingersFixed = 0, false
	m.timers.probe = m.after(m.cfg.Probe)
	// spread, or many that joined at once would give up at once
	m.timers.orphan = m.after(m.cfg.Orphan)
	m.hasten()
	m.dirty = true
}

// orphaned reports whether the node has been a member for long without an incorporated predecessor
// naming it: its ring has lost every incorporated member, and will neither take writes nor joiners.
func (m *Machine) orphaned() bool {
	return !m.incorporated && m.now >= m.timers.orphan
}

// withdraw takes the node out of its ring, to stay out.
func (m *Machine) withdraw() {
	if m.withdrawn {
		return
	}
	m.withdrawn = true
	m.leaveRing()
}

// comeBack lets a node that has withdrawn join again.
func (m *Machine) comeBack() {
	if !m.withdrawn {
		return
	}
	m.withdrawn = false
	m.timers.join = m.now + 1
}

// leaveRing makes the node unjoined again. It joins, or founds, as one that had peers.
func (m *Machine) leaveRing() {
	m.joined, m.founder, m.incorporated = false, false, false
	m.succs, m.preds, m.notified = nil, nil, nil
	clear(m.fingers)
	m.pending = slices.DeleteFunc(m.pending, func(p pending) bool { return p.kind.step() })
	m.joining = joining{}
	for i := range m.cache.notes {
		m.cache.notes[i].asked, m.cache.notes[i].reach = false, reachNothing
	}
	m.hadPeers = true
	m.timers.join = m.now + 1
	m.dirty = true
}
