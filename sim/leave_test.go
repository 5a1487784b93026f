package sim

import (
	"context"
	"testing"
	"time"
)

// leaveAfter has a node of a ring at rest leave just after something has changed, at many moments.
// It must hand everything over.
func leaveAfter(t *testing.T, change func(*stage, *peer)) {
	t.Helper()
	scene(t, 24, 100*time.Millisecond, func(s *stage, later time.Duration) {
		leaver := []*peer{s.owner, s.pred, s.succ}[int(later/(100*time.Millisecond))%3]
		change(s, leaver)
		s.After(later, func() { s.leaveAll(t, leaver) })
	})
}

// leaveAll has a node leave for good, which must succeed.
func (s *stage) leaveAll(t *testing.T, leaver *peer) {
	t.Helper()
	if !leaver.Up() {
		t.Errorf("%d is down", leaver.index)
		return
	}
	began := s.Now()
	leaver.env.Go("leaving", func(ctx context.Context) {
		failed, err := leaver.leave(ctx, true)
		if err != nil || len(failed) > 0 {
			t.Errorf("%d leaves %.1f s after the change: %v, and %v could not be handed over", leaver.index, (began - 15*time.Second).Seconds(), err, failed)
		}
	}, nil)
}

// The leaver has stepped aside, as a node does whose disk has failed: for a moment nobody owns its
// arc.
func TestLeaveAfterSteppingAside(t *testing.T) {
	leaveAfter(t, func(_ *stage, leaver *peer) {
		leaver.env.Go("stepping aside", func(ctx context.Context) {
			before, err := leaver.ring.Withdraw(ctx)
			if err != nil {
				t.Error(err)
				return
			}
			leaver.ring.AnnounceDeparture(ctx, before.View, true)
		}, nil)
	})
}

// The predecessor of the leaver and the second of its successors have crashed: one peer is left of
// those that shall hold its files. Of every file one of its owner and its witness still lives.
func TestLeaveAfterCrashes(t *testing.T) {
	leaveAfter(t, func(s *stage, leaver *peer) {
		v := leaver.ring.Snapshot().View
		refuses := s.Dice.IntN(2) == 0
		s.byID[v.Predecessors()[0].ID].down(refuses)
		s.byID[v.Successors()[1].ID].down(refuses)
	})
}

// A node joins next to the leaver.
func TestLeaveAfterAJoin(t *testing.T) {
	leaveAfter(t, func(s *stage, leaver *peer) {
		s.place(int(leaver.at.Key) - int(s.key) + []int{-700, 700}[s.Dice.IntN(2)]).start()
	})
}

// The leaver has been started again, with what it had, and joins.
func TestLeaveAfterAStart(t *testing.T) {
	leaveAfter(t, func(_ *stage, leaver *peer) {
		leaver.down(true)
		leaver.start()
	})
}

// A neighbor leaves at the same time, or just before.
func TestNeighborsLeave(t *testing.T) {
	leaveAfter(t, func(s *stage, leaver *peer) {
		first := s.owner
		if leaver == s.owner {
			first = []*peer{s.pred, s.succ}[s.Dice.IntN(2)]
		}
		s.leaveAll(t, first)
	})
}
