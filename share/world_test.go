package share

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
)

const quiet = time.Second

// world is a folder with one file, a ring, and whatever carries out what the machine
// wants: as simple as can be, and as hostile.
type world struct {
	t       *testing.T
	m       *machine
	now     time.Duration
	there   bool
	content int
	stamp   stamp
	ring    int // the content that the ring has, 0 for none
	// The present content differs from earlier ones in its stamp, or its writing was reported.
	visible bool

	noticed time.Duration // when a write was last reported to the machine
	looking bool
	checks  int
	running bool
	begun   int // the content when the put began
	puts    int
	same    map[int]int // contents that were put, and how often
	trail   []string
}

const one = "a"

func newWorld(t *testing.T) *world {
	return &world{t: t, m: newMachine(quiet), now: 1, same: map[int]int{}, noticed: -quiet, visible: true}
}

type move struct {
	name string
	do   func(*world) bool
}

// moves are all that can happen. Each reports whether it was possible.
var moves = []move{
	{"write", func(w *world) bool { w.write(true); w.report(byWrite); return true }},
	{"write unseen", func(w *world) bool { w.write(true); w.visible = true; return true }},
	{"write with the old stamp", func(w *world) bool {
		if !w.there {
			return false
		}
		w.write(false)
		w.report(byWrite)
		return true
	}},
	{"touch", func(w *world) bool {
		if !w.there {
			return false
		}
		w.stamp.modified++
		w.m.found(w.now, one, w.stamp, byEvent)
		return true
	}},
	{"vanish", func(w *world) bool {
		if !w.there {
			return false
		}
		w.there = false
		w.m.missing(w.now, one)
		return true
	}},
	{"vanish unseen", func(w *world) bool { was := w.there; w.there = false; return was }},
	{"come back", func(w *world) bool {
		if w.there || w.content == 0 {
			return false
		}
		w.there = true
		return true
	}},
	{"scan", func(w *world) bool {
		w.m.scanBegins()
		if w.there {
			w.m.found(w.now, one, w.stamp, byScan)
		}
		w.m.scanEnds(w.now)
		return true
	}},
	{"half a quiet period", func(w *world) bool { w.now += quiet / 2; w.m.tick(w.now); return true }},
	{"look", func(w *world) bool {
		if !w.looking {
			return false
		}
		w.looking = false
		if w.there {
			w.m.found(w.now, one, w.stamp, byLook)
		} else {
			w.m.missing(w.now, one)
		}
		return true
	}},
	{"put ends", func(w *world) bool { return w.endPut(nil) }},
	{"put fails", func(w *world) bool { return w.endPut(&failure{code: fault.TryAgain, retry: true, all: true}) }},
	{"check ends", func(w *world) bool {
		if w.checks == 0 {
			return false
		}
		w.checks--
		w.m.checked(w.now, one, 3)
		return true
	}},
}

func (w *world) write(newStamp bool) {
	w.there = true
	w.content++
	if newStamp {
		w.stamp = stamp{size: 1, modified: int64(w.content) * 1000, inode: 1}
	}
	w.visible = newStamp
}

func (w *world) report(h how) {
	w.noticed, w.visible = w.now, true
	w.m.found(w.now, one, w.stamp, h)
}

// endPut ends the put as store does: it fails when the file isn't what it was.
func (w *world) endPut(why *failure) bool {
	if !w.running {
		return false
	}
	w.running = false
	f := w.m.files[one]
	switch {
	case !w.there:
		f.gone = true
		w.m.putChanged(w.now, one)
	case w.stamp != f.put || w.content != w.begun:
		w.m.putChanged(w.now, one)
	case why != nil:
		w.m.putFailed(w.now, one, *why)
	default:
		if w.ring != w.content {
			w.same[w.content]++
			w.ring = w.content
		}
		w.m.putStored(w.now, one, known{copies: 2, possible: 3})
	}
	return true
}

// obey does what the machine wants, and checks that it may want it.
func (w *world) obey() {
	for _, a := range w.m.take() {
		switch a.verb {
		case doLook:
			w.looking = true
		case doPut:
			if w.running {
				w.fail("two puts of one file at once")
			}
			if w.now-w.noticed < quiet {
				w.fail("put %v after a write", w.now-w.noticed)
			}
			w.running, w.begun = true, w.content
			w.puts++
		case doCheck:
			w.checks++
		case doStop:
			if !w.running {
				w.fail("a put is stopped that doesn't run")
			}
		case doRemember, doReport:
		}
	}
	total := 0
	for _, n := range w.m.counts {
		total += n
	}
	if total != len(w.m.files) || w.m.running != map[bool]int{true: 1}[w.running] {
		w.fail("counts %v of %d files, %d running", w.m.counts, len(w.m.files), w.m.running)
	}
	for i, f := range w.m.clock {
		if f.position != i+1 || f.due == 0 {
			w.fail("the clock is out of order")
		}
	}
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("%s\nafter: %s", fmt.Sprintf(format, args...), strings.Join(w.trail, ", "))
}

func (w *world) move(i int) bool {
	w.trail = append(w.trail, moves[i].name)
	ok := moves[i].do(w)
	w.obey()
	return ok
}

// rest lets everything come to an end, and sees that what is in the folder is in the
// ring, and that nothing more is put then.
func (w *world) rest() {
	w.trail = append(w.trail, "rest")
	settle := func() {
		for _, name := range []string{"scan", "half a quiet period", "look", "put ends", "check ends"} {
			w.move(slices.IndexFunc(moves, func(m move) bool { return m.name == name }))
		}
	}
	for range 16 {
		settle()
	}
	f := w.m.files[one]
	switch {
	case !w.there && f != nil && f.phase != absent:
		w.fail("a file that isn't there is %d", f.phase)
	case w.there && (f == nil || f.phase != stored):
		w.fail("it never came to rest: %+v", f)
	case w.there && w.visible && w.ring != w.content:
		w.fail("the ring has %d, the folder %d", w.ring, w.content)
	}
	for c, n := range w.same {
		if n > 1 {
			w.fail("content %d was put %d times", c, n)
		}
	}
	puts := w.puts
	for range 4 {
		settle()
	}
	if w.puts != puts {
		w.fail("an unchanged file was put again")
	}
}
