package ring

import "slices"

// Machine is one node of the ring. It is not safe for concurrent use: one goroutine
// owns it and steps it.
//
// A machine has at most one step outstanding: a state query whose answer changes its successors
// (join, stabilize from successor, stabilize from predecessor). While it has, it answers state
// queries of others with Busy and keeps notifies for afterwards, so that each step is atomic as in
// the proof. All else that it has outstanding (pings, lookups, the query of the predecessor) writes
// nothing that another node's step reads.
type Machine struct {
	cfg Config
	now uint64 // ticks since New
	rng random
	seq uint64

	// The protocol's state.
	joined       bool
	founder      bool
	incorporated bool
	withdrawn    bool // it stays out of every ring for now
	succs        []Position
	preds        []Position
	predAnswered Position   // the predecessor that has answered as a member
	notified     []Position // notifies not rectified yet: a step or a ping is outstanding

	// What it waits for.
	pending    []pending
	suspicions []suspicion
	joining    joining

	// What it knows besides.
	cache        cache
	fingers      []Position // by finger; the zero Position where none is known
	nextFinger   int
	fingersFixed bool // each was fixed once since the node became a member
	hadPeers     bool
	// doubt in the node's own health, 0 to maxHealthScore (memberlist: awareness)
	healthScore uint32

	timers timers
	view   *View
	dirty  bool
	out    []Command
	faults faults
}

// faults are the errors of published Chord, planted by tests to see that the checks
// catch them. All are off in a machine that New makes.
type faults struct {
	adoptUnasked bool // a successor's predecessor is adopted without asking it first
	// a new successor replaces the head of the list, which isn't filled from its list
	shortLists bool
	padLists   bool // lists have r entries always: a node repeats, and may be in its own list
	answerBusy bool // state queries are answered while a step is outstanding
	trustHead  bool // a joiner takes a list over without knowing its head to live
}

// New returns the machine of a node that is in no ring yet. The error wraps ErrConfig.
func New(cfg Config) (*Machine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := &Machine{
		cfg:      cfg,
		rng:      random{state: cfg.Seed},
		fingers:  make([]Position, cfg.Fingers),
		hadPeers: cfg.HadPeers,
	}
	m.timers.pace = cfg.Fast
	for _, p := range cfg.Peers {
		m.learn(p)
	}
	m.publish()
	return m, nil
}

// View returns the present view.
func (m *Machine) View() *View { return m.view }

// Step tells the machine one thing and returns what it wants done. Inputs that fit nothing
// outstanding, such as a late answer, change nothing.
func (m *Machine) Step(in Input) Output {
	m.out = nil
	m.take(in)
	out := Output{Commands: m.out}
	if m.dirty {
		m.publish()
		out.View = m.view
	}
	m.out = nil
	return out
}

func (m *Machine) take(in Input) {
	switch in := in.(type) {
	case Tick:
		m.tick(in.Elapsed)
	case Heard:
		if len(m.cache.peers) == 0 {
			m.timers.join = m.now
		}
		for _, p := range in.Peers {
			m.learn(p)
		}
	case Found:
		if !m.joined && !m.hadPeers && !m.withdrawn {
			m.found()
		}
	case Queried:
		m.queried(in)
	case Notified:
		m.receiveNotify(in.From)
	case Answered:
		if p, ok := m.settle(in.Seq); ok {
			m.alive(p.to)
			m.learnState(in.State)
			m.answered(p, in.State)
		}
	case WasBusy:
		if p, ok := m.settle(in.Seq); ok {
			m.alive(p.to)
			m.wasBusy(p)
		}
	case TimedOut:
		if p, ok := m.settle(in.Seq); ok {
			m.timedOut(p, in.Refuted)
		}
	case Ponged:
		if p, ok := m.settle(in.Seq); ok {
			m.ponged(p)
		}
	case Located:
		if p, ok := m.settle(in.Seq); ok {
			m.located(p, in)
		}
	case Departed:
		m.departed(in)
	case Unreachable:
		m.check(in.Peer)
	case Hasten:
		m.hasten()
	case Withdraw:
		m.withdraw()
	case Return:
		m.comeBack()
	}
}

func (m *Machine) queried(in Queried) {
	if in.From.IsNode() {
		m.heard(in.From)
	}
	// A node that is not a member has no state to keep consistent, and says so even while it asks a
	// sponsor. Busy would count as a sign of life of a member, and a former predecessor of the
	// asker would remain its predecessor.
	if m.joined && m.stepping() && !m.faults.answerBusy {
		m.do(Busy{})
		return
	}
	m.do(Answer{State: m.state()})
}

// answered continues what the query p was made for.
func (m *Machine) answered(p pending, st State) {
	switch p.kind {
	case queryJoin:
		m.joinAnswered(p.to, st)
	case querySuccessor:
		m.successorAnswered(p.to, st)
	case queryCandidate:
		m.candidateAnswered(p.to, st)
	case queryPredecessor:
		m.predecessorAnswered(p.to, st)
	case queryUnjoined:
		m.refusedBy(p.to, st.Member())
	default: // pings and lookups are not answered with a state
	}
	m.stepEnded(p)
}

// wasBusy abandons the step and has it tried again shortly, at a tick of this node's own.
func (m *Machine) wasBusy(p pending) {
	switch p.kind {
	case queryJoin:
		m.joinBusy(p.to)
	case querySuccessor, queryCandidate:
		m.timers.stabilize = m.now + 1 + m.rng.below(2)
	case queryPredecessor:
		m.predecessorBusy(p.to)
	case queryUnjoined:
		m.refusedBy(p.to, true)
	default: // only queries meet a peer that is busy
	}
	m.stepEnded(p)
}

func (m *Machine) timedOut(p pending, refuted bool) {
	switch p.kind {
	case queryJoin:
		m.joinTimedOut(p.to)
	case querySuccessor:
		m.suspect(p.to)
	case queryCandidate:
		m.candidateTimedOut(p.to)
	case queryPredecessor:
		m.suspect(p.to)
	case queryUnjoined:
	case pingSuspect:
		m.pingMissed(p, refuted)
	case pingHead:
		m.joining.candidate = Position{}
	case lookupJoin:
		m.joinerMissed(p.to)
	case lookupFinger:
		m.check(p.to)
	case lookupProbe:
	}
	m.stepEnded(p)
}

func (m *Machine) ponged(p pending) {
	switch p.kind {
	case pingSuspect:
		m.pingAnswered(p)
	case pingHead:
		m.alive(p.to)
		m.headLives(p.to)
	default: // only pings are ponged
	}
}

func (m *Machine) located(p pending, in Located) {
	if !in.Refused {
		m.learn(in.Node)
		m.learnState(in.State)
	}
	switch p.kind {
	case lookupJoin:
		m.joinLocated(p.to, in)
	case lookupProbe:
		if !in.Refused {
			m.probeLocated(in.Node)
		}
	case lookupFinger:
		if !in.Refused {
			m.setFinger(p.finger, in.Node)
		}
	default: // only lookups locate
	}
}

// stepEnded rectifies the notifies that came while the step p was outstanding.
func (m *Machine) stepEnded(p pending) {
	if p.kind.step() {
		m.rectify()
	}
}

// state is what the node tells of itself.
func (m *Machine) state() State {
	if !m.joined {
		return State{}
	}
	return State{Preds: slices.Clone(m.preds), Succs: slices.Clone(m.succs), Incorporated: m.incorporated}
}

// publish makes the view anew.
func (m *Machine) publish() {
	m.view = &View{
		self:         m.cfg.Self,
		joined:       m.joined,
		incorporated: m.incorporated,
		founder:      m.founder,
		hadPeers:     m.hadPeers,
		preds:        slices.Clone(m.preds),
		answered:     m.predAnswered,
		succs:        slices.Clone(m.succs),
		fingers:      m.distinctFingers(),
		peers:        m.cache.share(),
		suspects:     m.cache.suspects,
	}
	m.dirty = false
}

// present is the view of this very moment, for the machine's own routing.
func (m *Machine) present() *View {
	if m.dirty {
		m.publish()
		m.dirty = true
	}
	return m.view
}
