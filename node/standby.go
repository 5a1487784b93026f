package node

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/store"
)

// A node whose disk fails leaves the ring for as long as that lasts: others own its arc and are
// witnesses in its place, and it is read from. See replica.Standby and docs/decisions/0116.

// standby is how far that is. It is safe for concurrent use.
type standby struct {
	mu    sync.Mutex
	state replica.StandbyState
	cause error     // why the store failed
	stays bool      // the ring can't do without the node
	left  *snapshot // what the node knew of the ring when it left; the standby loop's own
}

// leaves reports whether the store takes no changes and the node is about to step aside.
func (s *standby) leaves() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == replica.Failing && !s.stays
}

func (s *standby) setStays(stays bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stays = stays
}

func (s *standby) set(state replica.StandbyState, cause error) (old replica.StandbyState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, s.state = s.state, state
	if cause != nil {
		s.cause = cause
	}
	return old
}

// get returns the state, and why the store failed in a few words; these are empty while all is well.
func (s *standby) get() (state replica.StandbyState, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == replica.Working {
		return s.state, ""
	}
	return s.state, store.Reason(s.cause)
}

// storeFailed reports whether others should not count on this node's store.
func (n *Node) storeFailed() bool {
	state, _ := n.standby.get()
	return state != replica.Working || n.store.Err() != nil
}

// mayLeave reports whether the node is about to step aside, as far as it can tell.
func (n *Node) mayLeave() bool {
	if n.standby.leaves() {
		return true
	}
	state, _ := n.standby.get()
	return state == replica.Working && n.store.Check() != nil
}

// standbyConfig gives the times of a Standby for a heartbeat.
func standbyConfig(heartbeat time.Duration) replica.StandbyConfig {
	ticks := max(3, uint32(heartbeat/tickLength)) //nolint:gosec // small
	return replica.StandbyConfig{First: ticks / 3, Longest: 10 * ticks, Settle: ticks, Forget: 100 * ticks}
}

// standbyLoop watches the store and does what its failure makes necessary.
func (n *Node) standbyLoop(ctx context.Context) {
	s := replica.NewStandby(standbyConfig(n.cfg.Heartbeat))
	ticker := time.NewTicker(tickLength)
	defer ticker.Stop()
	ticks := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if n.state.Load().Leaving {
			continue
		}
		err := n.store.Err()
		if ticks++; err == nil && ticks%int(time.Second/tickLength) == 0 {
			err = n.store.Check()
		}
		if err != nil && !errors.Is(err, store.ErrClosed) {
			s.Failed()
			n.standbyIs(s.State(), err)
		}
		switch s.Tick() {
		case replica.NoAction:
			continue
		case replica.ReopenStore:
			err := n.store.Reopen()
			if err != nil {
				log.Warnw("the store can't be opened again yet", "err", err)
			}
			s.Reopened(err == nil)
		case replica.WithdrawNode:
			gone := n.withdraw(ctx)
			n.standby.setStays(!gone)
			s.Withdrawn(gone)
		case replica.LookBack:
			ok := replica.MayWithdraw(n.workingNeighbors(ctx, n.standby.left))
			if s.LookedBack(ok); !ok {
				n.standby.setStays(true)
				n.comeBack()
			}
		case replica.ReturnNode:
			n.comeBack()
		}
		n.standbyIs(s.State(), nil)
	}
}

// standbyIs tells what has changed.
func (n *Node) standbyIs(state replica.StandbyState, cause error) {
	old := n.standby.set(state, cause)
	if old == state {
		return
	}
	_, reason := n.standby.get()
	switch state {
	case replica.Failing:
		if old == replica.Aside {
			n.event("returned", "joins the ring again though its disk still fails: too few of the others can store anything")
			return
		}
		n.standby.setStays(false)
		var failed *fault.Error
		if errors.As(cause, &failed) && failed.Err != nil {
			cause = failed.Err // with the path
		}
		log.Errorw("the store has failed", "err", cause)
		n.event("disk_failed", "the disk failed: "+reason+"; nothing is stored here until it can be written again")
	case replica.Aside:
		n.event("aside", "stepped aside: other peers own this node's files until its disk can be written again")
	case replica.Settling:
		n.event("disk_works", "the disk can be written again")
	case replica.Working:
		n.event("disk_works", "stores files again")
		n.replicas.WakeFetch()
		n.replicas.WakeRepair()
	}
}

// withdraw leaves the ring if others can own and witness what this node does. It reports whether it has.
func (n *Node) withdraw(ctx context.Context) bool {
	s := n.state.Load()
	if !s.View.Joined() || !replica.MayWithdraw(n.workingNeighbors(ctx, s)) {
		return false
	}
	s, err := n.driver().Withdraw(ctx)
	if err != nil {
		return false
	}
	n.standby.left = s
	n.driver().AnnounceDeparture(ctx, s.View, true)
	n.tellContacts()
	return true
}

// workingNeighbors counts the neighbors that are members and whose stores take changes.
func (n *Node) workingNeighbors(ctx context.Context, s *snapshot) int {
	ctx, cancel := context.WithTimeout(ctx, n.patience(1))
	defer cancel()
	var working atomic.Int64
	var wg sync.WaitGroup
	for _, p := range chord.RingNeighbors(s.View) {
		wg.Go(func() {
			if m, err := n.observe(ctx, peerID(p)); err == nil && m.GetJoined() && !m.GetStoreFailed() {
				working.Add(1)
			}
		})
	}
	wg.Wait()
	return int(working.Load())
}

// comeBack joins the ring again.
func (n *Node) comeBack() {
	n.driver().Return()
	n.tellContacts()
}

// tellContacts has the bootstrap peers hear at once whether this node is a member.
func (n *Node) tellContacts() {
	for _, c := range n.contacts {
		c.Update()
	}
}
