package chord

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// TickLength is how long one tick of the two machines is.
const TickLength = 100 * time.Millisecond

// maxWaiting bounds the functions that wait for the loop. Who posts one more waits for a place.
const maxWaiting = 256

// ErrClosed is the answer of a driver whose peer has ended.
var ErrClosed = fault.New(fault.Unreachable, "the node is shutting down: start it again")

// Config is what a Driver needs.
type Config struct {
	Env  env.Env
	Self ring.Position
	// Heartbeat is the period of the ring's checks, and Timeout bounds one step of an operation.
	Heartbeat, Timeout time.Duration
	// Copies is how many copies a file has that doesn't say so itself.
	Copies int
	// Peers are remembered from an earlier run, and Holders those that had copies of the arc then.
	// HadPeers says that the peer had a neighbor in an earlier run.
	Peers    []ring.Position
	Holders  []ring.Position
	HadPeers bool
	// Seed spreads what the ring does at random. Nonce tells the grants of this run from those of
	// others, which no two runs may share.
	Seed, Nonce uint64

	Book      Book
	Transport Transport
	Hooks
}

// Hooks are called when something has happened. Each may be nil.
type Hooks struct {
	// Published follows each snapshot. It runs in the loop and must not wait.
	Published func(old, now *Snapshot)
	// StoreFailed reports whether others should not count on this peer's store.
	StoreFailed func() bool
	// LeftBehind names a neighbor that has left the ring with copies that may be nowhere else.
	LeftBehind func(peer.ID)
	// OwnerGuessed follows each lookup that the view could answer, and OwnerAsked each that asked
	// the ring.
	OwnerGuessed func()
	OwnerAsked   func(hops int, err error)
}

// Driver runs the ring and the arc of one peer. Its methods may be called by many processes.
type Driver struct {
	cfg       Config
	env       env.Env
	book      Book
	transport Transport
	queue     *env.Queue[func(*loop)]
	ended     env.Signal
	state     atomic.Pointer[Snapshot]
	loop      *loop // its process's own
	newcomers newcomers
	members   members
}

// New makes the machines of a peer. They stand still until Run.
func New(cfg Config) (*Driver, error) {
	rc := ring.DefaultConfig(cfg.Self, uint32(max(3, cfg.Heartbeat/TickLength))) //nolint:gosec // small
	cfg.Peers, cfg.Holders = admitted(cfg.Book, cfg.Peers), admitted(cfg.Book, cfg.Holders)
	rc.Peers, rc.HadPeers, rc.Seed = cfg.Peers, cfg.HadPeers, cfg.Seed
	machine, err := ring.New(rc)
	if err != nil {
		return nil, err
	}
	arc := replica.NewArc(replica.Config{
		Self: cfg.Self, Nonce: cfg.Nonce, Copies: cfg.Copies, Founder: !cfg.HadPeers,
		RetryTicks: 2, Patience: max(1, int(cfg.Heartbeat/(3*TickLength))),
	}, cfg.Holders)
	d := &Driver{cfg: cfg, env: cfg.Env, book: cfg.Book, transport: cfg.Transport, ended: cfg.Env.NewSignal()}
	d.queue = env.NewQueue[func(*loop)](cfg.Env, maxWaiting)
	d.loop = &loop{driver: d, machine: machine, view: machine.View(), arc: arc}
	d.loop.publish()
	return d, nil
}

// Run is the process of the loop. It ends with ctx, and nothing works without it: a panic in it is
// not contained.
func (d *Driver) Run(ctx context.Context, actions ArcActions) {
	defer d.ended.Fire()
	defer d.queue.Close()
	d.loop.actions = actions
	d.loop.run(ctx)
}

// Snapshot is the present state of both machines.
func (d *Driver) Snapshot() *Snapshot { return d.state.Load() }

// post hands f to the loop. It waits while too many functions wait already, and returns false when
// the peer has ended. The loop itself must not call it.
func (d *Driver) post(f func(*loop)) bool { return d.queue.Put(f) }

// ask has the loop run f, and waits until it has. What came of it has been published then.
func (d *Driver) ask(ctx context.Context, f func(*loop)) error {
	done := d.env.NewSignal()
	if !d.post(func(l *loop) { f(l); l.publish(); done.Fire() }) {
		return ErrClosed
	}
	err := d.env.Wait(ctx, env.Forever, done, d.ended)
	if err == nil && !done.Fired() {
		return ErrClosed
	}
	return err
}

// Step gives the ring one input.
func (d *Driver) Step(in ring.Input) { d.post(func(l *loop) { l.step(in) }) }

// ArcEvent lets the arc take in what has happened, and carries out what it wants done then.
func (d *Driver) ArcEvent(f func(*replica.Arc) []replica.Action) {
	d.post(func(l *loop) { l.carryOutArc(f(l.arc)) })
}

// queried answers the peer at from, which asks for the state as a step of its own: it is busy while
// this peer is in the middle of a step, too.
func (d *Driver) queried(ctx context.Context, from ring.Position) (state ring.State, joined bool, err error) {
	var reply ring.Command
	err = d.ask(ctx, func(l *loop) {
		reply = l.step(ring.Queried{From: from})
		joined = l.view.Joined()
	})
	if err != nil {
		return state, false, err
	}
	a, ok := reply.(ring.Answer)
	if !ok {
		return state, false, fault.New(fault.Busy, "in the middle of a step")
	}
	return a.State, joined, nil
}

// departed takes in that the peer at from leaves the ring, and what its neighbors are. When it
// leaves incomplete, copies of its arc stay behind.
func (d *Driver) departed(from ring.Position, state ring.State, incomplete bool) {
	d.post(func(l *loop) {
		if !incomplete {
			l.arc.Departed(from)
		}
		l.step(ring.Departed{From: from, State: state})
	})
}

// GrantAsked answers the request of the peer at from for a grant of its arc.
func (d *Driver) GrantAsked(ctx context.Context, from ring.Position) (ans replica.GrantAnswer, err error) {
	err = d.ask(ctx, func(l *loop) {
		var actions []replica.Action
		ans, actions = l.arc.GrantAsked(from)
		l.carryOutArc(actions)
	})
	return ans, err
}

// ClaimAsked answers the claim of the peer at from to the arc after pred. The view is that of the
// same moment.
func (d *Driver) ClaimAsked(ctx context.Context, from, pred ring.Position, id replica.GrantID) (
	ans replica.ClaimAnswer, v *ring.View, err error,
) {
	err = d.ask(ctx, func(l *loop) { ans, v = l.arc.ClaimAsked(from, pred, id), l.view })
	return ans, v, err
}

// Repaired tells the arc that a round of repair under g was complete.
func (d *Driver) Repaired(g replica.Grant) {
	d.ArcEvent(func(a *replica.Arc) []replica.Action { a.Repaired(g); return nil })
}

// Refused tells the arc that the witness no longer accepts this peer as the owner under g.
func (d *Driver) Refused(g replica.Grant) {
	d.ArcEvent(func(a *replica.Arc) []replica.Action { return a.Refused(g) })
}

// BeginLeave publishes that the peer hands its files over, and returns that snapshot.
func (d *Driver) BeginLeave(ctx context.Context) (s *Snapshot, err error) {
	err = d.ask(ctx, func(l *loop) {
		l.leaving = true
		l.publish()
		s = d.Snapshot()
	})
	return s, err
}

// HandedOver publishes that the files have been handed over: the peer accepts nothing as a witness
// either.
func (d *Driver) HandedOver(ctx context.Context) error {
	return d.ask(ctx, func(l *loop) { l.departing = true })
}

// CancelLeave takes back BeginLeave and HandedOver.
func (d *Driver) CancelLeave(ctx context.Context) error {
	return d.ask(ctx, func(l *loop) { l.leaving, l.departing = false, false })
}

// Withdraw makes the peer no member of the ring until Return. It returns the snapshot of before.
func (d *Driver) Withdraw(ctx context.Context) (s *Snapshot, err error) {
	err = d.ask(ctx, func(l *loop) {
		s = d.Snapshot()
		l.standby = true
		l.publish()
		l.step(ring.Withdraw{})
	})
	return s, err
}

// Return ends Withdraw: the peer joins again.
func (d *Driver) Return() {
	d.post(func(l *loop) {
		l.standby = false
		l.step(ring.Return{})
	})
}
