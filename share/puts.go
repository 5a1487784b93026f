package share

import (
	"time"
)

// fill starts puts up to the limits.
func (m *machine) fill(now time.Duration) {
	if now < m.hold {
		return
	}
	m.hold = 0
	for len(m.queue) > 0 {
		f := m.queue[0]
		if f.phase == ready {
			if m.running == putsAtOnce || m.running > 0 && m.bytes+weight(f.stamp.size) > bytesAtOnce {
				return
			}
			m.running++
			m.bytes += weight(f.stamp.size)
			f.put, f.again, f.gone = f.stamp, false, false
			m.enter(f, uploading)
			m.out = append(m.out, action{verb: doPut, file: f, stamp: f.put})
		}
		m.queue[0] = nil
		m.queue = m.queue[1:]
	}
	m.queue = nil
}

func weight(size int64) int64 { return min(size, weightMost) }

// putStored ends a put: the ring has the content.
func (m *machine) putStored(now time.Duration, path string, k known) {
	f := m.ended(path)
	k.stamp = f.put
	f.known, f.isKnown, f.wrote = k, true, false
	m.do(doRemember, f)
	m.settle(now, f, func() {
		f.attempts = 0
		m.enterStored(now, f)
		if k.copies < k.possible {
			m.wake(f, now+checkAfter)
		}
	})
}

// putChanged ends a put whose file changed meanwhile, or is not complete yet.
func (m *machine) putChanged(now time.Duration, path string) {
	f := m.ended(path)
	m.settle(now, f, func() { m.wait(now, f) })
}

// putFailed ends a put that failed.
func (m *machine) putFailed(now time.Duration, path string, why failure) {
	f := m.ended(path)
	if why.all {
		m.hold = now + holdFor
	}
	m.settle(now, f, func() {
		m.enter(f, refused)
		f.why = &why
		if why.retry {
			m.wake(f, now+min(retryAfter<<min(f.attempts, 10), retryMost))
			f.attempts = min(f.attempts+1, 100)
		}
	})
}

func (m *machine) ended(path string) *file {
	f := m.files[path]
	m.running--
	m.bytes -= weight(f.put.size)
	return f
}

// settle calls end, unless the file vanished or changed during the put.
func (m *machine) settle(now time.Duration, f *file, end func()) {
	switch {
	case f.gone:
		m.leave(f)
	case f.again:
		m.wait(now, f)
	default:
		end()
	}
	m.fill(now)
}

// checked ends a check. A negative number of copies means that the ring did not answer.
func (m *machine) checked(now time.Duration, path string, copies int) {
	m.checks--
	f := m.files[path]
	if f == nil || f.phase != stored {
		m.shortChecked(now, path, false)
		return
	}
	m.shortChecked(now, path, copies > f.known.copies)
	if copies >= 0 && copies != f.known.copies {
		f.known.copies = copies
		m.do(doRemember, f)
		m.do(doReport, f)
	}
	if f.known.copies < f.known.possible && f.attempts < checksMost {
		m.wake(f, now+checkAfter<<f.attempts)
	}
	m.short(now, f)
}
