package share

import (
	"encoding/hex"
	"time"
)

const (
	// putsAtOnce is how many files are stored at once, and bytesAtOnce how many of their bytes may
	// be in memory.
	putsAtOnce  = 16
	bytesAtOnce = 48 << 20
	// weightMost is how many bytes of one file are in memory during a put: five blocks.
	weightMost = 5 * 4 << 20
	// checksAtOnce is for how many files the ring is asked at once.
	checksAtOnce = 2
	// checksMost is how often the ring is asked for a file with fewer copies than possible.
	checksMost = 6
	// checkAfter is the time until the first such check; it doubles with each.
	checkAfter = 2 * time.Second
	// retryAfter is the time until a refused file is tried again; it doubles each time, up to
	// retryMost.
	retryAfter = 2 * time.Second
	retryMost  = 5 * time.Minute
	// holdFor is how long no put starts after a failure that would be the same for every file.
	holdFor = time.Second
)

type phase uint8

const (
	absent    phase = iota // not in the folder; only remembered
	waiting                // seen, and perhaps still written
	ready                  // quiet for long enough, and in the queue
	uploading              //
	stored
	refused
)

// phases is the number of phases.
const phases = 6

// how says how a file was seen.
type how uint8

const (
	byScan  how = iota // by a scan
	byEvent            // because the system reported a change
	byWrite            // because the system reported a write
	byLook             // because the machine asked
)

// file is what the machine knows of one path.
type file struct {
	path     string
	stamp    stamp // as last seen
	put      stamp // of the content that is being put
	known    known
	why      *failure      // if refused
	since    time.Duration // when the stamp was first seen, or bytes were written
	due      time.Duration // when tick moves it on; 0: never
	scan     uint32        // the last scan that saw it
	phase    phase
	isKnown  bool
	wrote    bool // bytes were written since known: the same stamp doesn't mean the same content
	again    bool // the content changed during a put
	gone     bool // it vanished during a put
	short    bool // it is among machine.shorts
	attempts uint8
	position int // in the heap, plus 1
}

type verb uint8

const (
	doLook     verb = iota // see whether the file is there and what its stamp is
	doPut                  // store the content with the stamp
	doStop                 // cancel the put, which is of an old content
	doCheck                // ask the ring how many copies there are
	doRemember             // write known to the memory file
	doReport               // the file's state has changed
)

// action is something that the machine wants done.
type action struct {
	verb  verb
	file  *file
	stamp stamp // of doPut
}

// machine decides what happens to each file of the folder. It is pure, and not safe for concurrent
// use. Its clock is a time since some start, and never goes back.
type machine struct {
	quiet   time.Duration // how long a file must keep its size and time
	files   map[string]*file
	queue   []*file // ready ones, in order; others are skipped
	clock   dueHeap
	hold    time.Duration // no put starts before
	running int
	bytes   int64
	checks  int
	scan    uint32
	counts  [phases]int
	shorts  shortFiles
	out     []action
}

func newMachine(quiet time.Duration) *machine {
	return &machine{quiet: quiet, files: map[string]*file{}}
}

// remember adds a content that was stored earlier.
func (m *machine) remember(path string, k known) {
	f := m.at(path)
	f.known, f.isKnown = k, true
}

// take returns the actions, in order.
func (m *machine) take() []action {
	out := m.out
	m.out = nil
	return out
}

func (m *machine) do(v verb, f *file) { m.out = append(m.out, action{verb: v, file: f}) }

// at returns the file at path, and adds it if there is none.
func (m *machine) at(path string) *file {
	f := m.files[path]
	if f == nil {
		f = &file{path: path}
		m.files[path] = f
		m.counts[absent]++
	}
	return f
}

// found notes a file at path that is to be shared.
func (m *machine) found(now time.Duration, path string, s stamp, h how) {
	f := m.at(path)
	f.scan = m.scan
	changed := !s.same(f.stamp) || h == byWrite
	f.stamp = s
	f.wrote = f.wrote || h == byWrite
	switch f.phase {
	case absent:
		if f.unchanged() {
			m.enterStored(now, f)
			return
		}
		m.wait(now, f)
	case waiting:
		switch {
		case changed:
			m.wait(now, f)
		case h == byLook && now >= f.since+m.quiet && f.unchanged():
			m.enterStored(now, f)
		case h == byLook && now >= f.since+m.quiet:
			m.enter(f, ready)
			m.queue = append(m.queue, f)
		case h == byLook:
			m.wake(f, f.since+m.quiet)
		}
	case ready:
		if changed {
			m.wait(now, f)
		}
	case uploading:
		if f.gone || h == byWrite || !s.same(f.put) {
			f.gone, f.again = false, true
			m.do(doStop, f)
		}
	case stored:
		if !f.unchanged() {
			m.wait(now, f)
		}
	case refused:
		if changed || h == byEvent {
			m.wait(now, f)
		}
	}
	m.fill(now)
}

// unchanged reports whether the ring has the content that was seen.
func (f *file) unchanged() bool { return f.isKnown && f.known.stamp.same(f.stamp) && !f.wrote }

// missing notes that no file at path is to be shared.
func (m *machine) missing(now time.Duration, path string) {
	f := m.files[path]
	if f == nil || f.phase == absent {
		return
	}
	if f.phase == uploading {
		f.gone = true
		m.do(doStop, f)
		return
	}
	m.leave(f)
	m.fill(now)
}

// leave forgets what was seen of a file, and keeps what is stored of it.
func (m *machine) leave(f *file) {
	// Wrote stays: what comes back may be what was written.
	f.stamp, f.again, f.gone, f.attempts = stamp{}, false, false, 0
	m.enter(f, absent)
	if !f.isKnown {
		m.drop(f)
	}
}

func (m *machine) drop(f *file) {
	m.counts[f.phase]--
	delete(m.files, f.path)
}

// scanBegins starts a scan of the whole folder.
func (m *machine) scanBegins() { m.scan++ }

// scanEnds ends the scan: files that were not seen since it began are missing.
func (m *machine) scanEnds(now time.Duration) {
	for _, f := range m.files {
		if f.scan != m.scan && f.phase != absent {
			m.missing(now, f.path)
		}
	}
}

// wait waits until a file keeps its size and time.
func (m *machine) wait(now time.Duration, f *file) {
	f.since, f.attempts, f.again = now, 0, false
	m.enter(f, waiting)
	m.wake(f, now+m.quiet)
}

func (m *machine) enter(f *file, p phase) {
	if f.phase == p && p != refused {
		return
	}
	f.why = nil
	visible := f.phase != p && (f.phase != waiting || p != ready) // both are "waiting" to a user
	m.counts[f.phase]--
	m.counts[p]++
	f.phase = p
	m.wake(f, 0)
	if visible {
		m.do(doReport, f)
	}
}

func (m *machine) enterStored(now time.Duration, f *file) {
	m.enter(f, stored)
	m.short(now, f)
}

// tick moves the files on that are due.
func (m *machine) tick(now time.Duration) {
	for len(m.clock) > 0 && m.clock[0].due <= now {
		f := m.clock[0]
		m.wake(f, 0)
		switch f.phase {
		case waiting:
			m.do(doLook, f)
		case refused: // once more, if it is still there
			attempts := f.attempts
			m.wait(now-m.quiet, f)
			f.attempts = attempts
			m.wake(f, 0)
			m.do(doLook, f)
		case stored:
			if m.checks == checksAtOnce {
				m.wake(f, now+checkAfter)
				continue
			}
			m.checks++
			f.attempts++
			m.do(doCheck, f)
		case absent, ready, uploading:
		}
	}
	m.checkShort(now)
	m.fill(now)
}

// next is when to call tick next; false means never.
func (m *machine) next() (time.Duration, bool) {
	var next time.Duration
	if len(m.clock) > 0 {
		next = m.clock[0].due
	}
	if len(m.queue) > 0 && m.running < putsAtOnce && m.hold > 0 && (next == 0 || m.hold < next) {
		next = m.hold
	}
	if at := m.nextShort(); at > 0 && (next == 0 || at < next) {
		next = at
	}
	return next, next > 0
}

// forget drops files that were last in the folder before a day.
func (m *machine) forget(today, before uint16) {
	for _, f := range m.files {
		switch {
		case f.phase != absent:
			f.known.day = today
		case f.known.day < before:
			m.drop(f)
		}
	}
}

// state describes a file to users, except for the time and the bytes sent.
func (f *file) state() File {
	out := File{Name: f.path, Size: f.stamp.size}
	switch f.phase {
	case waiting, ready:
		out.State = StateWaiting
	case uploading:
		out.State = StateUploading
	case stored:
		out.State, out.Copies, out.Hash = StateStored, f.known.copies, hex.EncodeToString(f.known.hash[:])
	case refused:
		out.State, out.Code, out.Reason, out.Retry = StateRefused, string(f.why.code), f.why.reason, f.why.retry
	case absent:
		out.State = StateGone
	}
	return out
}
