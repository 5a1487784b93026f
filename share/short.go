package share

import "time"

// checkShortEvery is the time between two checks of files with fewer copies than wanted. Each
// checks one file. When that has more copies, the ring has grown, and the others follow without a
// pause.
const checkShortEvery = 5 * time.Second

// shortFiles are the stored files with fewer copies than wanted, because the ring was too small for
// them. The ring makes the copies; the checks only notice them.
type shortFiles struct {
	wanted  int           // copies of each file; 0: nothing is checked
	queue   []*file       // the next one first
	asked   string        // the file that is being checked; empty for none
	checkAt time.Duration // when the next check is due
}

// short adds a stored file that has fewer copies than wanted.
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

// checkShort starts the next check when it is due.
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

// shortChecked ends the check of a file. more says that it has more copies than before.
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

// nextShort is when to call checkShort; 0 means never.
func (m *machine) nextShort() time.Duration {
	if m.shorts.asked != "" || len(m.shorts.queue) == 0 {
		return 0
	}
	return max(m.shorts.checkAt, 1)
}
