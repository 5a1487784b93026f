package ring

import "slices"

// cache remembers every peer heard of, live or dead, up to a bound, sorted by
// position. The slices that views share are never written to.
type cache struct {
	peers    []Position
	notes    []note // beside peers
	suspects []Position
	shared   bool // peers is in a view
}

// note is what is remembered of one peer.
type note struct {
	seen uint64 // the tick, plus 1, at which it was last heard of itself; 0 never
	dead uint64 // the tick, plus 1, at which it was found dead; 0 if not, or heard of since
	// the tick, plus 1, at which it was given up as out of reach; 0 if not, or it answered since
	barred uint64
	misses int   // suspicions in a row that ended with others reaching it
	asked  bool  // in this attempt at joining
	reach  reach // in this attempt at joining
}

// reach is what a joiner has learnt of a peer.
type reach uint8

const (
	reachNothing  reach = iota
	reachUnjoined       // it lives and is in no ring
	reachMember         // it lives and is in a ring
)

func (c *cache) find(p Position) (int, bool) {
	return slices.BinarySearchFunc(c.peers, p, Position.Compare)
}

func (c *cache) note(p Position) *note {
	if i, ok := c.find(p); ok {
		return &c.notes[i]
	}
	return nil
}

// share returns the peers for a view.
func (c *cache) share() []Position {
	c.shared = true
	return c.peers
}

// own makes the peers writable.
func (c *cache) own() {
	if c.shared {
		c.peers = slices.Clone(c.peers)
		c.shared = false
	}
}

func (c *cache) insert(p Position) {
	i, ok := c.find(p)
	if ok {
		return
	}
	c.own()
	c.peers = slices.Insert(c.peers, i, p)
	c.notes = slices.Insert(c.notes, i, note{})
}

func (c *cache) remove(i int) {
	c.setSuspect(c.peers[i], false)
	c.own()
	c.peers = slices.Delete(c.peers, i, i+1)
	c.notes = slices.Delete(c.notes, i, i+1)
}

// heard notes a message of p's own making: it lives, whether or not it can be reached.
func (c *cache) heard(p Position, now uint64) {
	if n := c.note(p); n != nil {
		n.seen, n.dead = now+1, 0
	}
}

// answered notes that p answered this node, and so can be reached.
func (c *cache) answered(p Position, now uint64) {
	if n := c.note(p); n != nil {
		n.seen, n.dead, n.barred, n.misses = now+1, 0, 0, 0
	}
}

func (c *cache) buried(p Position, now uint64) {
	if n := c.note(p); n != nil {
		n.dead = now + 1
	}
}

func (c *cache) bar(p Position, now uint64) {
	if n := c.note(p); n != nil {
		n.barred = now + 1
	}
}

// missed counts a suspicion of p that ended with others reaching it, and returns how many in a row.
func (c *cache) missed(p Position) int {
	n := c.note(p)
	if n == nil {
		return 0
	}
	n.misses++
	return n.misses
}

func (c *cache) isDead(p Position, now, hold uint64) bool {
	n := c.note(p)
	return n != nil && (n.dead > 0 && now-(n.dead-1) < hold || n.barred > 0 && now-(n.barred-1) < hold)
}

func (c *cache) isSuspect(p Position) bool {
	_, ok := slices.BinarySearchFunc(c.suspects, p, Position.Compare)
	return ok
}

// setSuspect reports whether that changed anything.
func (c *cache) setSuspect(p Position, suspect bool) bool {
	i, ok := slices.BinarySearchFunc(c.suspects, p, Position.Compare)
	if ok == suspect {
		return false
	}
	c.suspects = slices.Clone(c.suspects)
	if suspect {
		c.suspects = slices.Insert(c.suspects, i, p)
	} else {
		c.suspects = slices.Delete(c.suspects, i, i+1)
	}
	return true
}

// learn remembers p. When the cache is full, a peer makes room that is no neighbor and
// of those has not been heard of for longest, chance deciding between equals.
func (m *Machine) learn(p Position) {
	if !p.IsNode() || p == m.cfg.Self {
		return
	}
	if _, ok := m.cache.find(p); ok {
		return
	}
	if len(m.cache.peers) >= m.cfg.Cache {
		i := m.evictable()
		if i < 0 {
			return
		}
		m.cache.remove(i)
	}
	m.cache.insert(p)
	m.dirty = true
}

func (m *Machine) learnState(st State) {
	for _, list := range [][]Position{st.Preds, st.Succs} {
		for _, p := range list[:min(len(list), MaxList)] {
			m.learn(p)
		}
	}
}

func (m *Machine) evictable() int {
	worst, ties := -1, uint64(0)
	for i, n := range m.cache.notes {
		if p := m.cache.peers[i]; slices.Contains(m.succs, p) || slices.Contains(m.preds, p) || slices.Contains(m.fingers, p) {
			continue
		}
		switch {
		case worst < 0 || n.seen < m.cache.notes[worst].seen:
			worst, ties = i, 1
		case n.seen == m.cache.notes[worst].seen:
			ties++
			if m.rng.below(ties) == 0 {
				worst = i
			}
		}
	}
	return worst
}
