package sim

import (
	"context"
	"fmt"
	"testing"

	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/ring"
)

// stage is a ring of five around the place of one file, file-0, which users read and write all the
// time.
type stage struct {
	*world
	pred, owner, succ *peer
	key               ring.Key // of file-0
	users             *users
}

// place adds a peer that stands so far after file-0.
func (s *stage) place(after int) *peer {
	key := s.key + ring.Key(after) //nolint:gosec // modulo 2^16
	for i := 0; ; i++ {
		if a := (protocol.RingAddress{Host: fmt.Sprintf("%d-%d", len(s.peers), i), Port: "1"}); a.Key() == key {
			return s.add(a.Host)
		}
	}
}

// perform plays a scene on a stage, and checks all that is promised: act arranges what happens from
// a ring at rest on.
func perform(t *testing.T, seed uint64, act func(*stage)) {
	t.Helper()
	w := newWorld(seed, second, 3)
	defer func() {
		for _, p := range w.peers {
			p.up = false
			p.end()
		}
	}()
	s := &stage{world: w, key: ring.Hash("file-0")}
	for i, at := range []int{-3000, 4000, 14_000, 26_000, -14_000} {
		p := s.place(at)
		w.after(moment(i)*second/4, p.start)
	}
	s.pred, s.owner, s.succ = w.peers[0], w.peers[1], w.peers[2]
	end := 40 * second
	w.after(12*second, func() { s.users = newUsers(w, seed, 3, 2, 300*millisecond, end) })
	w.after(15*second, func() { act(s) })
	w.until(end, second, func() bool {
		w.check.survive()
		return true
	})
	if w.check.err == nil {
		w.tail(s.users)
	}
	if w.check.err == nil {
		if err := w.history.linearizable(); err != nil {
			w.check.fail(err)
		}
	}
	if w.check.err != nil {
		t.Errorf("seed %d: %v", seed, w.check.err)
	}
	if w.check.acknowledgements == 0 || w.check.reads == 0 {
		t.Errorf("seed %d: nothing was written or read", seed)
	}
}

// scene plays a scene at so many moments, each a step later than the last.
func scene(t *testing.T, times int, step moment, act func(*stage, moment)) {
	t.Helper()
	t.Parallel()
	if testing.Short() {
		times, step = times/4, 4*step
	}
	for i := range times {
		perform(t, uint64(i), func(s *stage) { act(s, moment(i)*step) })
	}
}

// A node joins between an owner and its predecessor, and that one dies before it has told the
// owner, or just after.
func TestThePredecessorDiesBeforeTelling(t *testing.T) {
	scene(t, 24, 100*millisecond, func(s *stage, later moment) {
		s.place(500).start() // it becomes the owner
		s.after(later, func() { s.pred.down(false) })
	})
}

// Two nodes join one arc at the same moment, or almost.
func TestTwoJoinsAtOneArcAtOnce(t *testing.T) {
	scene(t, 16, 75*millisecond, func(s *stage, later moment) {
		s.place(500).start()
		other := s.place(1500)
		s.after(later, other.start)
	})
}

// The same, and the later one takes over from the first what that has just taken over.
func TestTwoJoinsAtOneArcTheNearerLater(t *testing.T) {
	scene(t, 16, 75*millisecond, func(s *stage, later moment) {
		s.place(1500).start()
		nearer := s.place(500)
		s.after(later, nearer.start)
	})
}

// An owner stops as by SIGSTOP, is replaced, and comes back believing that it still is the owner.
func TestOwnerPausedThroughItsReplacementAndBack(t *testing.T) {
	scene(t, 24, 500*millisecond, func(s *stage, length moment) { s.owner.stopFor(length) })
}

// The same with the witness.
func TestWitnessPausedThroughItsReplacementAndBack(t *testing.T) {
	scene(t, 16, 750*millisecond, func(s *stage, length moment) { s.pred.stopFor(length) })
}

// A holder is away while files are deleted and written anew, and comes back with what it had.
func TestDeleteWhileAHolderIsAway(t *testing.T) {
	scene(t, 12, 1500*millisecond, func(s *stage, length moment) {
		away := []*peer{s.owner, s.pred, s.succ}[int(length/(1500*millisecond))%3]
		away.down(true)
		s.after(length, away.start)
		s.after(length/2, func() {
			for _, p := range s.up() {
				if p != away && p.joined() {
					s.users.busy++
					p.env.Go("user", func(ctx context.Context) {
						defer func() { s.users.busy-- }()
						s.users.operate(ctx, p, 100, "file-0", 4) // a removal
					}, nil)
					return
				}
			}
		})
	})
}

// The clocks of all writers differ by minutes, and change while they write.
func TestClocksScrambled(t *testing.T) {
	scene(t, 12, second, func(s *stage, later moment) {
		for round := range 6 {
			s.after(moment(round)*4*second+later/4, func() {
				for _, p := range s.peers {
					p.skew = s.dice.between(0, 9*minute) - 4*minute
				}
			})
		}
	})
}

// The clock of one node is a year off, now ahead and now behind: no write is refused for that.
func TestOneClockAYearOff(t *testing.T) {
	const year = 365 * 24 * 60 * minute
	var stages []*stage
	scene(t, 6, second, func(s *stage, later moment) {
		stages = append(stages, s)
		for round := range 4 {
			s.after(moment(round)*4*second+later/4, func() {
				s.owner.skew = []moment{year, -year}[round%2]
			})
		}
	})
	for i, s := range stages {
		if s.history.refused > 0 {
			t.Errorf("seed %d: %d writes were refused", i, s.history.refused)
		}
	}
}

// A node joins between an owner and its predecessor while a put waits for the predecessor's slow
// disk, and the owner is stopped until the newcomer has its arc.
func TestArcChangesWhileAWitnessWrites(t *testing.T) {
	scene(t, 24, 50*millisecond, func(s *stage, later moment) {
		s.pred.disk.slow = 7 * second
		s.after(6*second, func() { s.pred.disk.slow = 0 })
		s.place(500).start()
		s.after(second/2, func() { s.owner.stopFor(6500*millisecond + later) })
	})
}
