package sim

import (
	"context"
	"fmt"
	"testing"
	"time"

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
	performFor(t, seed, week, 40*time.Second, act)
}

// performFor does it with a grace of tombstones. The scene is over at end.
func performFor(t *testing.T, seed uint64, grace, end time.Duration, act func(*stage)) {
	t.Helper()
	w := newWorld(seed, time.Second, 3)
	w.grace = grace
	defer w.end()
	s := &stage{world: w, key: ring.Hash("file-0")}
	for i, at := range []int{-3000, 4000, 14_000, 26_000, -14_000} {
		p := s.place(at)
		w.After(time.Duration(i)*time.Second/4, p.start)
	}
	s.pred, s.owner, s.succ = w.peers[0], w.peers[1], w.peers[2]
	w.After(12*time.Second, func() { s.users = newUsers(w, seed, 3, 2, 300*time.Millisecond, end) })
	w.After(15*time.Second, func() { act(s) })
	w.until(end, time.Second, func() bool {
		w.check.survive()
		return true
	})
	if w.check.err == nil {
		w.tail(s.users)
	}
	if w.check.err == nil {
		w.check.linearizable()
	}
	if w.check.err != nil {
		t.Errorf("seed %d: %v", seed, w.check.err)
	}
	if w.check.acknowledgements == 0 || w.check.reads == 0 {
		t.Errorf("seed %d: nothing was written or read", seed)
	}
}

// scene plays a scene at so many moments, each a step later than the last.
func scene(t *testing.T, times int, step time.Duration, act func(*stage, time.Duration)) {
	t.Helper()
	t.Parallel()
	if testing.Short() {
		times, step = times/4, 4*step
	}
	for i := range times {
		perform(t, uint64(i), func(s *stage) { act(s, time.Duration(i)*step) })
	}
}

// A node joins between an owner and its predecessor, and that one dies before it has told the
// owner, or just after.
func TestThePredecessorDiesBeforeTelling(t *testing.T) {
	scene(t, 24, 100*time.Millisecond, func(s *stage, later time.Duration) {
		s.place(500).start() // it becomes the owner
		s.After(later, func() { s.pred.down(false) })
	})
}

// Two nodes join one arc at the same moment, or almost.
func TestTwoJoinsAtOneArcAtOnce(t *testing.T) {
	scene(t, 16, 75*time.Millisecond, func(s *stage, later time.Duration) {
		s.place(500).start()
		other := s.place(1500)
		s.After(later, other.start)
	})
}

// The same, and the later one takes over from the first what that has just taken over.
func TestTwoJoinsAtOneArcTheNearerLater(t *testing.T) {
	scene(t, 16, 75*time.Millisecond, func(s *stage, later time.Duration) {
		s.place(1500).start()
		nearer := s.place(500)
		s.After(later, nearer.start)
	})
}

// An owner stops as by SIGSTOP, is replaced, and comes back believing that it still is the owner.
func TestOwnerPausedThroughItsReplacementAndBack(t *testing.T) {
	scene(t, 24, 500*time.Millisecond, func(s *stage, length time.Duration) { s.owner.Stop(length) })
}

// The same with the witness.
func TestWitnessPausedThroughItsReplacementAndBack(t *testing.T) {
	scene(t, 16, 750*time.Millisecond, func(s *stage, length time.Duration) { s.pred.Stop(length) })
}

// A holder is away while files are deleted and written anew, and comes back with what it had.
func TestDeleteWhileAHolderIsAway(t *testing.T) {
	scene(t, 12, 1500*time.Millisecond, func(s *stage, length time.Duration) {
		away := []*peer{s.owner, s.pred, s.succ}[int(length/(1500*time.Millisecond))%3]
		away.down(true)
		s.After(length, away.start)
		s.After(length/2, func() {
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
	scene(t, 12, time.Second, func(s *stage, later time.Duration) {
		for round := range 6 {
			s.After(time.Duration(round)*4*time.Second+later/4, func() {
				for _, p := range s.peers {
					p.Skew = s.Dice.Between(0, 9*time.Minute) - 4*time.Minute
				}
			})
		}
	})
}

// The clock of one node is a year off, now ahead and now behind: no write is refused for that.
func TestOneClockAYearOff(t *testing.T) {
	const year = 365 * 24 * 60 * time.Minute
	var stages []*stage
	scene(t, 6, time.Second, func(s *stage, later time.Duration) {
		stages = append(stages, s)
		for round := range 4 {
			s.After(time.Duration(round)*4*time.Second+later/4, func() {
				s.owner.Skew = []time.Duration{year, -year}[round%2]
			})
		}
	})
	for i, s := range stages {
		if s.history.Refused > 0 {
			t.Errorf("seed %d: %d writes were refused", i, s.history.Refused)
		}
	}
}

// A node joins between an owner and its predecessor while a put waits for the predecessor's slow
// disk, and the owner is stopped until the newcomer has its arc.
func TestArcChangesWhileAWitnessWrites(t *testing.T) {
	scene(t, 24, 50*time.Millisecond, func(s *stage, later time.Duration) {
		s.pred.disk.Slow = 7 * time.Second
		s.After(6*time.Second, func() { s.pred.disk.Slow = 0 })
		s.place(500).start()
		s.After(time.Second/2, func() { s.owner.Stop(6500*time.Millisecond + later) })
	})
}
