package share

import "time"

// checkShortEvery is the time between two looks at files with fewer copies than wanted. It is one file each time,
// as long as the ring stays as it is; when one has got more copies, the ring has grown, and all are looked at, one after the other.
const checkShortEvery = 5 * time.Second

// shortFiles are the stored files with fewer copies than wanted, since the ring was too small when they were stored.
// Their copies are made by the ring; here it is found out that they are there.
type shortFiles struct {
	wanted  int           // copies of each file; 0: nothing is looked at
	queue   []*file       // who comes next, first
	asked   string        // whose copies are asked for; empty for none
	checkAt time.Duration // when the next is asked
}

// short takes a stored file in, unless it has the copies wanted, or is here.
func (m *machine) short(now time.Duration, f *file) {
	if f.short || f.known.copies >= m.shorts.wanted {
		return
	}
	if len(m.shorts.queue) == 0 {
		m.shorts.checkAt = now + checkShortEvery
	}
	f.short = true
	m.shorts.queue = append(m.shorts.queue, f)
}

// checkShort asks for the copies of the next one when it is time.
func (m *machine) checkShort(now time.Duration) {
	s := &m.shorts
	if s.asked != "" || now < s.checkAt {
		return
	}
	for len(s.queue) > 0 {
		f := s.queue[0]
		s.queue[0] = nil
		s.queue = s.queue[1:]
		f.short = false
		if f.phase != stored || f.known.copies >= s.wanted {
			continue
		}
		s.asked = f.path
		m.checks++
		m.do(doCheck, f)
		return
	}
	s.queue = nil
}

// shortChecked ends that: of a file with more copies than before, or of another one.
func (m *machine) shortChecked(now time.Duration, path string, more bool) {
	if m.shorts.asked != path {
		return
	}
	m.shorts.asked = ""
	m.shorts.checkAt = now + checkShortEvery
	if more {
		m.shorts.checkAt = now
	}
}

// nextShort is when checkShort is to be called; 0 for never.
func (m *machine) nextShort() time.Duration {
	if m.shorts.asked != "" || len(m.shorts.queue) == 0 {
		return 0
	}
	return max(m.shorts.checkAt, 1)
}
