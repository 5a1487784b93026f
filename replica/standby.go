package replica

// StandbyConfig says how a Standby works. Times are in ticks.
type StandbyConfig struct {
	// First is how long after a failure the store is opened again for the first time: a failure
	// that is over by then costs no change of the ring. Default 10.
	First uint32
	// Longest bounds the time between two attempts, which doubles from First on. Default 300.
	Longest uint32
	// Settle is how long a store must work before its node comes back. It doubles with each failure
	// that follows another within Forget. Default 30.
	Settle uint32
	// Forget is after how long a failure no longer counts as the next of a row. Default 3000.
	Forget uint32
}

func (c StandbyConfig) withDefaults() StandbyConfig {
	for _, f := range []struct {
		field *uint32
		value uint32
	}{{&c.First, 10}, {&c.Longest, 300}, {&c.Settle, 30}, {&c.Forget, 3000}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return c
}

// StandbyAction is what a Standby wants done. Its outcome is reported by the method of the same
// name.
type StandbyAction uint8

// The actions.
const (
	NoAction    StandbyAction = iota
	ReopenStore               // open the store again; then Reopened
	// ask whether the ring can do without this node, and leave it if so; then Withdrawn
	WithdrawNode
	// ask whether the ring can still do without this node; then LookedBack
	LookBack
	ReturnNode // join the ring again
)

// StandbyState is how far a node is.
type StandbyState uint8

// The states.
const (
	Working  StandbyState = iota // the store takes changes
	Failing                      // it doesn't, and the node is a member
	Aside                        // it doesn't, and the node has left the ring: it is only read from
	Settling                     // it does again, and the node waits a while before it comes back
)

// maxRow bounds how often Settle is doubled.
const maxRow = 6

// Standby decides when a node whose store has failed steps aside, so that its arc is owned and
// witnessed by others, when it tries to open the store again, and when it comes back. It is not
// safe for concurrent use.
type Standby struct {
	cfg      StandbyConfig
	state    StandbyState
	now      uint64
	busy     bool   // an action is under way
	reopen   uint64 // when the store is opened again
	withdraw uint64 // when the node asks to step aside
	back     uint64 // when it comes back
	pause    uint32 // between attempts to open the store
	look     bool   // ask next whether the ring still does without the node
	row      int    // failures that followed each other
	last     uint64 // when the last one was, plus 1; 0 for never
}

// NewStandby returns the Standby of a node whose store works.
func NewStandby(cfg StandbyConfig) *Standby { return &Standby{cfg: cfg.withDefaults()} }

// State is how far the node is.
func (s *Standby) State() StandbyState { return s.state }

// Failed tells it that the store takes no more changes.
func (s *Standby) Failed() {
	switch s.state {
	case Failing, Aside:
		return
	case Working:
		s.state = Failing
	case Settling:
		s.state = Aside
	}
	if s.last > 0 && s.now-(s.last-1) < uint64(s.cfg.Forget) {
		s.row = min(s.row+1, maxRow)
	} else {
		s.row = 0
	}
	s.last = s.now + 1
	s.pause = s.cfg.First
	s.reopen = s.now + uint64(s.pause)
	s.withdraw = s.reopen + 1 // after the first attempt
	if s.row > 0 {
		s.withdraw = s.now // it comes again and again
	}
}

// Tick lets a tick pass and returns what is to be done.
func (s *Standby) Tick() StandbyAction {
	s.now++
	switch {
	case s.busy:
	case s.state == Aside && s.look:
		s.busy, s.look = true, false
		return LookBack
	case s.state == Failing && s.now >= s.withdraw:
		s.busy = true
		return WithdrawNode
	case (s.state == Failing || s.state == Aside) && s.now >= s.reopen:
		s.busy = true
		return ReopenStore
	case s.state == Settling && s.now >= s.back:
		s.state = Working
		return ReturnNode
	}
	return NoAction
}

// Reopened tells it whether the store could be opened.
func (s *Standby) Reopened(ok bool) {
	s.busy = false
	switch {
	case !ok:
		s.pause = min(2*s.pause, s.cfg.Longest)
		s.reopen = s.now + uint64(s.pause)
		s.look = s.state == Aside
	case s.state == Failing:
		s.state = Working
	case s.state == Aside:
		s.state = Settling
		s.back = s.now + uint64(s.cfg.Settle)<<s.row
	}
}

// Withdrawn tells it whether the node has left the ring. One that the ring can't do without asks
// again.
func (s *Standby) Withdrawn(ok bool) {
	s.busy = false
	if ok {
		s.state = Aside
		return
	}
	s.withdraw = s.now + uint64(s.cfg.First)
}

// LookedBack tells it whether the ring can still do without the node. One that is needed comes back
// though its disk still fails: nobody could store anything in its place, and what it has can be
// read.
func (s *Standby) LookedBack(ok bool) {
	s.busy = false
	if !ok {
		s.state = Failing
		s.withdraw = s.now + uint64(s.cfg.Settle)
	}
}

// MayWithdraw reports whether the ring can do without a node whose store has failed: so many others
// are members and take changes. One of them owns its arc then, and another is the witness.
//
// A node that fails counts itself out from that moment on, so of nodes that fail one after the
// other, or all at once, the last that could go stays, and with it enough to be a ring.
func MayWithdraw(working int) bool { return working >= writeQuorum }
