package share

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// TestEveryOrderOfEvents goes through all sequences of what can happen to a file, up to
// a length.
func TestEveryOrderOfEvents(t *testing.T) {
	t.Parallel()
	length := 5
	if testing.Short() {
		length = 4
	}
	var sequences int
	var explore func(prefix []int)
	explore = func(prefix []int) {
		if len(prefix) == length {
			sequences++
			w := newWorld(t)
			for _, i := range prefix {
				if !w.move(i) {
					return // it is a shorter sequence
				}
			}
			w.rest()
			return
		}
		for i := range moves {
			explore(append(prefix[:len(prefix):len(prefix)], i))
		}
	}
	explore(nil)
	t.Logf("%d sequences", sequences)
}

// TestLongOrdersOfEvents goes through long ones at random.
func TestLongOrdersOfEvents(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5000) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(t)
		for range 10 + rnd.IntN(60) {
			w.move(rnd.IntN(len(moves)))
		}
		w.trail = append([]string{fmt.Sprint("seed ", seed)}, w.trail...)
		w.rest()
	}
}

// TestAStartReadsNothingAgain: what is remembered with the same stamp is stored at once.
func TestAStartReadsNothingAgain(t *testing.T) {
	t.Parallel()
	m := newMachine(quiet)
	s := stamp{size: 5, modified: 7, inode: 9}
	m.remember("same", known{stamp: s, copies: 3, possible: 3})
	m.remember("other inode", known{stamp: s})
	m.remember("away", known{stamp: s})
	m.scanBegins()
	m.found(1, "same", s, byScan)
	m.found(1, "other inode", stamp{size: 5, modified: 7, inode: 10}, byScan)
	m.found(1, "new", s, byScan)
	m.scanEnds(1)
	for path, want := range map[string]phase{"same": stored, "other inode": waiting, "away": absent, "new": waiting} {
		if got := m.files[path].phase; got != want {
			t.Errorf("%s: phase %d, want %d", path, got, want)
		}
	}
}

// TestPutsAreBounded: in number, and in bytes that are in memory.
func TestPutsAreBounded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		size int64
		want int
	}{{1, putsAtOnce}, {10 << 20, 4}, {1 << 40, 2}} {
		m := newMachine(quiet)
		for i := range 100 {
			m.found(1, fmt.Sprint(i), stamp{size: c.size}, byScan)
		}
		m.tick(1 + quiet)
		for i := range 100 {
			m.found(1+quiet, fmt.Sprint(i), stamp{size: c.size}, byLook)
		}
		ended := 0
		for ended < 100 {
			var puts []*file
			for _, f := range m.files {
				if f.phase == uploading {
					puts = append(puts, f)
				}
			}
			if len(puts) == 0 || len(puts) > c.want || ended == 0 && len(puts) != c.want {
				t.Fatalf("size %d: %d puts at once, want %d", c.size, len(puts), c.want)
			}
			m.putStored(1+quiet, puts[0].path, known{copies: 1, possible: 1})
			ended++
		}
		if m.bytes != 0 || m.running != 0 {
			t.Errorf("size %d: %d bytes, %d puts are left over", c.size, m.bytes, m.running)
		}
	}
}

// TestARefusedFileWaitsLongerAndLonger, and one that can't be stored waits until it changes.
func TestARefusedFileWaitsLongerAndLonger(t *testing.T) {
	t.Parallel()
	m := newMachine(quiet)
	now := time.Duration(1)
	refuse := func(why failure) {
		t.Helper()
		for m.files[one].phase != uploading {
			next, ok := m.next()
			if !ok {
				t.Fatal("it is never tried again")
			}
			now = max(now, next)
			m.tick(now)
			for _, a := range m.take() {
				if a.verb == doLook {
					m.found(now, one, stamp{size: 1}, byLook)
				}
			}
		}
		m.putFailed(now, one, why)
	}
	m.found(now, one, stamp{size: 1}, byScan)
	var waits []time.Duration
	for range 12 {
		refuse(failure{code: fault.NoSpace, retry: true})
		next, _ := m.next()
		waits = append(waits, next-now)
	}
	if waits[0] != retryAfter || waits[1] != 2*retryAfter || waits[11] != retryMost || !slices.IsSorted(waits) {
		t.Errorf("waits %v", waits)
	}
	refuse(failure{code: fault.Usage, reason: "no name"})
	if next, ok := m.next(); ok {
		t.Errorf("it is tried again at %v", next)
	}
	if s := m.files[one].state(); s.State != StateRefused || s.Reason != "no name" || s.Code != "usage" || s.Retry {
		t.Errorf("%+v", s)
	}
	m.found(now, one, stamp{size: 1}, byScan)
	if m.files[one].phase != refused {
		t.Error("a scan that saw nothing new has it tried again")
	}
	m.found(now, one, stamp{size: 2}, byScan)
	if m.files[one].phase != waiting {
		t.Error("a change doesn't")
	}
}

// TestAFailureOfTheRingHoldsAll: while the ring can't be reached not every file tries.
func TestAFailureOfTheRingHoldsAll(t *testing.T) {
	t.Parallel()
	m := newMachine(quiet)
	for i := range 20 {
		m.found(1, fmt.Sprint(i), stamp{size: 1}, byScan)
	}
	now := 1 + quiet
	m.tick(now)
	for i := range 20 {
		m.found(now, fmt.Sprint(i), stamp{size: 1}, byLook)
	}
	for _, f := range m.files {
		if f.phase == uploading {
			m.putFailed(now, f.path, failure{code: fault.Unreachable, retry: true, all: true})
		}
	}
	if m.running != 0 {
		t.Errorf("%d puts run", m.running)
	}
	if next, _ := m.next(); next != now+holdFor {
		t.Errorf("next at %v, want %v", next, now+holdFor)
	}
	m.tick(now + holdFor)
	if m.running != 4 {
		t.Errorf("%d puts run then, want 4", m.running)
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	m := newMachine(quiet)
	m.remember("old", known{day: 10})
	m.remember("young", known{day: 99})
	m.remember("here", known{day: 10})
	m.found(1, "here", stamp{}, byScan)
	m.forget(100, 50)
	if len(m.files) != 2 || m.files["old"] != nil || m.files["here"].known.day != 100 || m.counts[absent] != 1 {
		t.Errorf("%v, counts %v", m.files, m.counts)
	}
}
