package sim

import (
	"slices"

	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// tickLength, and timeout, which is node.Config.Timeout's default.
const (
	tickLength = 100 * millisecond
	timeout    = 10 * second
)

// peer is a virtual node: the ring's machine and the replica's arc, what node does
// with them, and a disk that outlives its lives.
type peer struct {
	world *world
	index int
	at    ring.Position
	disk  *disk
	skew  moment // of its wall clock

	written uint16 // records that it has signed

	up      bool
	left    bool // it has left politely, for good
	life    int
	refuses bool // being down, its system refuses connections
	pause   moment
	stalled []func()
	inbound []*call

	machine   *ring.Machine
	arc       *replica.Arc
	state     *snapshot
	leaving   bool
	parting   bool
	late      []*record // came in while others were being handed over
	released  map[strayKey]moment
	hadPeers  bool
	posted    moment // when the loop takes the last event posted
	ticked    moment
	repairing wakeup
	fetching  wakeup
	health    *copyHealth
	witnesses map[ring.ID]ring.ID // of owners, as this peer has heard

	processes []*process
	running   int
}

// snapshot is what handlers and operations see: node's snapshot.
type snapshot struct {
	view    *ring.View
	grants  replica.Grants
	leaving bool
	parting bool
	next    signal
}

// exec has do happen at the node at a moment, if it then still lives that life; later if it is stopped then.
func (w *world) exec(p *peer, life int, at moment, do func()) {
	w.at(at, func() { w.run(p, life, do) })
}

func (w *world) run(p *peer, life int, do func()) {
	switch {
	case !p.up || p.life != life:
	case p.stopped():
		p.stalled = append(p.stalled, func() { w.run(p, life, do) })
	default:
		do()
	}
}

// stopped reports whether the process is stopped, as by SIGSTOP.
func (p *peer) stopped() bool { return p.pause > p.world.now }

// stop stops the process for a time. What was to happen meanwhile happens at once then.
func (p *peer) stopFor(d moment) {
	w := p.world
	p.pause = max(p.pause, w.now+d)
	w.at(p.pause, func() {
		if p.stopped() {
			return
		}
		stalled := p.stalled
		p.stalled = nil
		for _, do := range stalled {
			do()
		}
	})
}

// clockMillis is what the node's wall clock says.
func (p *peer) clockMillis() int64 {
	return epochMillis + int64((p.world.now+p.skew)/millisecond)
}

// time is the present by the clocks of this node and its neighbors, which are told without delay here; node's time.
func (p *peer) time() replica.Time {
	var others []replica.Clock
	for _, at := range p.state.view.Neighbors() {
		if o := p.world.byID[at.ID]; o != nil && o.up {
			others = append(others, replica.Clock{Early: o.clockMillis(), Late: o.clockMillis()})
		}
	}
	return replica.Agree(p.clockMillis(), others)
}

const epochMillis = 1_700_000_000_000

// start brings the node up: node's New. introduce says that a bootstrap peer helps.
func (p *peer) start() {
	w := p.world
	p.up, p.leaving, p.parting, p.late = true, false, false, nil
	p.life++
	p.pause, p.stalled, p.posted, p.ticked = 0, nil, 0, w.now
	p.released = map[strayKey]moment{}
	p.repairing, p.fetching = wakeup{}, wakeup{}
	p.health = newCopyHealth()
	p.witnesses = nil
	p.health.asked(p.disk.remember.copies)
	p.hadPeers = p.disk.remember.hadPeers
	cfg := ring.DefaultConfig(p.at, uint32(w.heartbeat/tickLength))
	cfg.Peers = p.disk.remember.peers
	cfg.HadPeers = p.hadPeers
	cfg.Seed = w.dice.Uint64()
	machine, err := ring.New(cfg)
	if err != nil {
		panic(err) // the configuration is this package's own
	}
	p.machine = machine
	p.arc = replica.NewArc(replica.Config{
		Self: p.at, Nonce: w.dice.Uint64(), Copies: w.copies, Founder: !p.hadPeers,
		RetryTicks: 2, Patience: max(1, int(w.heartbeat/(3*tickLength))),
	}, p.disk.remember.holders)
	p.state = nil
	p.publish()
	life := p.life
	w.exec(p, life, w.now+w.dice.between(0, tickLength), func() { p.tick(life) })
	p.spawn(p.repairLoop)
	p.spawn(p.fetchLoop)
	p.spawn(p.strayLoop)
	p.spawn(p.rememberLoop)
	p.spawn(p.meet)
}

// down ends the node's life. Its system refuses connections from then on, or is gone with it.
func (p *peer) down(refuses bool) {
	p.up, p.refuses = false, refuses
	p.pause, p.stalled = 0, nil
	p.end()
	p.disk.crash()
	if refuses {
		p.hangUp()
	}
}

// tick is the beat of node's loop.
func (p *peer) tick(life int) {
	w := p.world
	elapsed := (w.now - p.ticked + tickLength/2) / tickLength
	p.ticked = w.now
	p.step(ring.Tick{Elapsed: uint32(max(1, elapsed))})
	p.carryOutArc(p.arc.Tick())
	p.publish()
	w.exec(p, life, w.now+tickLength, func() { p.tick(life) })
}

// post hands f to the loop, which takes it a moment later and in order.
func (p *peer) post(f func()) {
	w := p.world
	p.posted = max(p.posted, w.now+w.dice.between(0, 300*microsecond))
	w.exec(p, p.life, p.posted, f)
}

// ask runs f in the loop and waits until it has run.
func (t *process) ask(f func()) {
	var done signal
	t.peer.post(func() { f(); done.Fire() })
	t.wait(never, &done)
}

// step gives the ring one input and carries out what comes of it; node's loop.step.
func (p *peer) step(in ring.Input) (reply ring.Command) {
	old := p.machine.View()
	out := p.machine.Step(in)
	if out.View != nil {
		p.carryOutArc(p.arc.Ring(neighborsInView(out.View)))
		p.publish()
		p.ringChanged(old, out.View)
	}
	for _, c := range out.Commands {
		switch c.(type) {
		case ring.Answer, ring.Busy:
			reply = c
		default:
			p.carryOut(c)
		}
	}
	return reply
}

func neighborsInView(v *ring.View) replica.Neighbors {
	h := replica.Neighbors{
		Self: v.Self(), Preds: v.Predecessors(), Succs: v.Successors(),
		Incorporated: v.Incorporated(), Joined: v.Joined(),
	}
	if len(h.Preds) > 0 {
		h.Pred = h.Preds[0]
	}
	return h
}

// publish makes the present state visible to the handlers; node's loop.publish.
func (p *peer) publish() {
	old, view, grants := p.state, p.machine.View(), p.arc.Grants()
	if old != nil && old.view == view && old.leaving == p.leaving && old.parting == p.parting && sameGrants(old.grants, grants) {
		return
	}
	p.state = &snapshot{view: view, grants: grants, leaving: p.leaving, parting: p.parting}
	if old != nil {
		old.next.Fire()
		if !old.grants.Synced && grants.Synced {
			p.repairing.wake()
		}
	}
}

func sameGrants(a, b replica.Grants) bool {
	return a.Grant == b.Grant && a.Synced == b.Synced && a.Granted == b.Granted && a.Why == b.Why && a.Degraded == b.Degraded
}

// ringChanged has the copies repaired when a neighbour has changed.
func (p *peer) ringChanged(old, now *ring.View) {
	if first(old.Successors()) != first(now.Successors()) || first(old.Predecessors()) != first(now.Predecessors()) {
		p.repairing.wake()
	}
}

func first(ps []ring.Position) ring.Position {
	if len(ps) == 0 {
		return ring.Position{}
	}
	return ps[0]
}

// wakeup wakes a loop; a channel of one place in node.
type wakeup struct {
	pending bool
	signal  *signal
}

func (u *wakeup) wake() {
	u.pending = true
	if u.signal != nil {
		u.signal.Fire()
	}
}

// await waits for a wake-up or for the period to pass.
func (t *process) await(u *wakeup, period moment) {
	if u.pending {
		u.pending = false
		return
	}
	u.signal = &signal{}
	t.wait(t.peer.world.now+period, u.signal)
	u.signal, u.pending = nil, false
}

// meet asks the bootstrap peer for introductions until the node is a member.
func (p *peer) meet(t *process) {
	for !p.state.view.Joined() {
		peers, found := p.world.introduce(p)
		if len(peers) > 0 || found {
			t.ask(func() {
				p.step(ring.Heard{Peers: peers})
				if found {
					p.step(ring.Found{})
				}
			})
		}
		t.sleep(p.world.heartbeat / 3)
	}
}

// rememberLoop writes down who is in the ring now and then; node's.
func (p *peer) rememberLoop(t *process) {
	for {
		t.sleep(3 * p.world.heartbeat)
		p.rememberRing()
	}
}

// wants notes that a record wants so many copies, before it is kept; internal/replication/records.go.
func (p *peer) wants(copies int) {
	p.health.asked(copies)
	p.disk.remember.copies = max(p.disk.remember.copies, p.health.wanted())
}

func (p *peer) rememberRing() {
	v := p.state.view
	holders := distinct(p.at, nil, v.Predecessors()...)
	p.disk.remember = memory{
		peers:    slices.Clone(v.Peers()),
		holders:  distinct(p.at, holders, v.Successors()...),
		hadPeers: p.hadPeers || v.HadPeers(),
		copies:   p.health.wanted(),
	}
}
