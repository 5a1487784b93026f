package standby

import (
	"context"
	"errors"
	"sync"
	"time"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// People set the level of these lines under the name of the package that they use.
var log = golog.Logger("node")

// Ring is the ring, as far as it is needed here: a chord.Driver.
type Ring interface {
	Snapshot() *chord.Snapshot
	Withdraw(ctx context.Context) (before *chord.Snapshot, err error)
	Return()
	AnnounceDeparture(ctx context.Context, v *ring.View, incomplete bool)
	Observe(ctx context.Context, id peer.ID) (*pb.Neighbours, error)
	Patience(factor uint32) time.Duration
}

// Store is a store that may fail, and can be opened again: a store.Handle.
type Store interface {
	Err() error
	Check() error
	Reopen() error
}

// Config is what a Standby is made of.
type Config struct {
	Env       env.Env
	Ring      Ring
	Store     Store
	Heartbeat time.Duration
	Event     func(kind, text string) // is told what a person may want to know
	// Is called when the node has left the ring, or joins it again.
	Moved func()
	Works func() // is called when the store takes changes again
}

// Standby watches the store of one node. Its methods may be called from many processes.
type Standby struct {
	cfg  Config
	left *chord.Snapshot // what the node knew of the ring when it left; Run's own

	mu    sync.Mutex
	state replica.StandbyState
	cause error // why the store failed
	stays bool  // the ring can't do without the node
}

// New returns a Standby that does nothing until Run.
func New(cfg Config) *Standby { return &Standby{cfg: cfg} }

// State returns the state, and why the store failed in a few words; these are empty while all is
// well.
func (s *Standby) State() (state replica.StandbyState, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == replica.Working {
		return s.state, ""
	}
	return s.state, store.Reason(s.cause)
}

// Failed reports whether others should not count on the store.
func (s *Standby) Failed() bool {
	state, _ := s.State()
	return state != replica.Working || s.cfg.Store.Err() != nil
}

// StepsAside reports whether the node is about to leave the ring, as far as it can tell.
func (s *Standby) StepsAside() bool {
	state, stays := s.present()
	return state == replica.Failing && !stays || state == replica.Working && s.cfg.Store.Check() != nil
}

func (s *Standby) present() (state replica.StandbyState, stays bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state, s.stays
}

func (s *Standby) setStays(stays bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stays = stays
}

func (s *Standby) set(state replica.StandbyState, cause error) (old replica.StandbyState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, s.state = s.state, state
	if cause != nil {
		s.cause = cause
	}
	return old
}

// timing gives the times of a replica.Standby for a heartbeat.
func timing(heartbeat time.Duration) replica.StandbyConfig {
	ticks := max(3, uint32(heartbeat/chord.TickLength)) //nolint:gosec // small
	return replica.StandbyConfig{First: ticks / 3, Longest: 10 * ticks, Settle: ticks, Forget: 100 * ticks}
}

// Run watches the store, and does what its failure makes necessary, until the context ends.
func (s *Standby) Run(ctx context.Context) {
	m := replica.NewStandby(timing(s.cfg.Heartbeat))
	for ticks := 1; env.Sleep(ctx, s.cfg.Env, chord.TickLength) == nil; ticks++ {
		if s.cfg.Ring.Snapshot().Leaving {
			continue
		}
		err := s.cfg.Store.Err()
		if err == nil && ticks%int(time.Second/chord.TickLength) == 0 {
			err = s.cfg.Store.Check()
		}
		if err != nil && !errors.Is(err, store.ErrClosed) {
			m.Failed()
			s.changed(m.State(), err)
		}
		if action := m.Tick(); action != replica.NoAction {
			s.carryOut(ctx, m, action)
			s.changed(m.State(), nil)
		}
	}
}

func (s *Standby) carryOut(ctx context.Context, m *replica.Standby, action replica.StandbyAction) {
	switch action {
	case replica.NoAction:
	case replica.ReopenStore:
		err := s.cfg.Store.Reopen()
		if err != nil {
			log.Warnw("the store can't be opened again yet", "err", err)
		}
		m.Reopened(err == nil)
	case replica.WithdrawNode:
		gone := s.withdraw(ctx)
		s.setStays(!gone)
		m.Withdrawn(gone)
	case replica.LookBack:
		ok := replica.MayWithdraw(s.workingNeighbors(ctx, s.left))
		if m.LookedBack(ok); !ok {
			s.setStays(true)
			s.comeBack()
		}
	case replica.ReturnNode:
		s.comeBack()
	}
}

// changed tells what has changed.
func (s *Standby) changed(state replica.StandbyState, cause error) {
	old := s.set(state, cause)
	if old == state {
		return
	}
	_, reason := s.State()
	switch state {
	case replica.Failing:
		if old == replica.Aside {
			s.cfg.Event("returned", "joins the ring again though its disk still fails: too few of the others can store anything")
			return
		}
		s.setStays(false)
		var failed *fault.Error
		if errors.As(cause, &failed) && failed.Err != nil {
			cause = failed.Err // with the path
		}
		log.Errorw("the store has failed", "err", cause)
		s.cfg.Event("disk_failed", "the disk failed: "+reason+"; nothing is stored here until it can be written again")
	case replica.Aside:
		s.cfg.Event("aside", "stepped aside: other peers own this node's files until its disk can be written again")
	case replica.Settling:
		s.cfg.Event("disk_works", "the disk can be written again")
	case replica.Working:
		s.cfg.Event("disk_works", "stores files again")
		s.cfg.Works()
	}
}

// withdraw leaves the ring if others can own and witness what this node does. It reports whether it
// has.
func (s *Standby) withdraw(ctx context.Context) bool {
	now := s.cfg.Ring.Snapshot()
	if !now.View.Joined() || !replica.MayWithdraw(s.workingNeighbors(ctx, now)) {
		return false
	}
	before, err := s.cfg.Ring.Withdraw(ctx)
	if err != nil {
		return false
	}
	s.left = before
	s.cfg.Ring.AnnounceDeparture(ctx, before.View, true)
	s.cfg.Moved()
	return true
}

// comeBack joins the ring again.
func (s *Standby) comeBack() {
	s.cfg.Ring.Return()
	s.cfg.Moved()
}

// workingNeighbors counts the neighbors that are members and whose stores take changes.
func (s *Standby) workingNeighbors(ctx context.Context, snapshot *chord.Snapshot) int {
	ctx, cancel := s.cfg.Env.WithTimeout(ctx, s.cfg.Ring.Patience(1))
	defer cancel()
	neighbors := chord.RingNeighbors(snapshot.View)
	working := make([]bool, len(neighbors))
	asking := env.NewGroup(s.cfg.Env, 0)
	for i, p := range neighbors {
		// A group without a limit takes all.
		_ = asking.Go(ctx, "asking a neighbor", func(context.Context) {
			m, err := s.cfg.Ring.Observe(ctx, peer.ID(p.ID))
			working[i] = err == nil && m.GetJoined() && !m.GetStoreFailed()
		})
	}
	asking.Wait()
	n := 0
	for _, w := range working {
		if w {
			n++
		}
	}
	return n
}
