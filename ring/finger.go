package ring

import "slices"

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
