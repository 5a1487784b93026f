package sim

import (
	"slices"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/ring"
)

// network is the virtual network: each message takes its own time, so that messages
// overtake each other, and may be lost or come twice.
type network struct {
	world *world
	dice  dice
	least moment
	most  moment
	tail  float64 // chance that a message takes a second more, as after lost packets
	loss  float64
	twice float64
	cuts  map[[2]int]int // from, to: how many faults keep messages from passing
}

func (n *network) delay() moment {
	d := n.dice.between(n.least, n.most)
	if n.dice.chance(n.tail) {
		d += n.dice.between(0, second)
	}
	return d
}

func (n *network) passes(from, to *peer) bool { return n.cuts[[2]int{from.index, to.index}] == 0 }

// elsewhere is the error that names a better peer; protocol's Elsewhere.
type elsewhere struct {
	code   fault.Code
	better ring.Position
}

func (e *elsewhere) Error() string { return string(e.code) }
func (e *elsewhere) Unwrap() error { return e.code }

// progress is how long a peer may give no sign of life during a request; node gives its timeout.
const progress = timeout

// call is a request under way.
type call struct {
	from, to *peer
	done     signal
	life     int  // of the peer asked, once it has come there
	working  bool // the peer asked is at it
	reply    any
	err      error
}

func (c *call) finish(reply any, err error) {
	if !c.done.fired {
		c.reply, c.err = reply, err
		c.done.Fire()
	}
}

// call asks a request of any peer, this node included, until a moment; never for as
// long as the peer gives signs of life. It is the product's protocol.Client.
func (t *process) call(to ring.ID, request any, until moment) (any, error) {
	p, w := t.peer, t.peer.world
	if to == p.at.ID {
		return p.handle(t, p.at, request)
	}
	target := w.byID[to]
	if target == nil || until <= w.now {
		return nil, fault.Unreachable
	}
	c := &call{from: p, to: target}
	target.asked(c)
	w.network.carry(c, request)
	for {
		pause := w.now + progress
		t.wait(min(until, pause), &c.done)
		switch {
		case c.done.fired:
			return c.reply, c.err
		case w.now >= until:
			return nil, fault.Unreachable
		case w.now < pause:
		case !c.working || !target.up || target.life != c.life || target.stopped() || !w.network.passes(target, p):
			return nil, fault.Unreachable
		}
	}
}

// carry brings a request to its target, once, twice or not at all.
func (n *network) carry(c *call, request any) {
	if n.dice.chance(n.loss) {
		return
	}
	times := 1
	if n.dice.chance(n.twice) {
		times = 2
	}
	for range times {
		n.world.after(n.delay(), func() { n.arrive(c, request) })
	}
}

func (n *network) arrive(c *call, request any) {
	to := c.to
	switch {
	case !n.passes(c.from, to):
	case !to.up:
		if to.refuses {
			n.answer(c, nil, fault.Unreachable)
		}
	default:
		life := to.life
		n.world.exec(to, life, n.world.now, func() {
			c.life, c.working = life, true
			to.spawn(func(t *process) {
				reply, err := to.handle(t, c.from.at, request)
				c.working = false
				n.answer(c, reply, err)
			})
		})
	}
}

// answer brings the reply back.
func (n *network) answer(c *call, reply any, err error) {
	if n.dice.chance(n.loss) {
		return
	}
	life := c.from.life
	n.world.after(n.delay(), func() {
		if n.passes(c.to, c.from) {
			n.world.exec(c.from, life, n.world.now, func() { c.finish(reply, err) })
		}
	})
}

// asked notes a request to p, so that those under way fail when its process is killed.
func (p *peer) asked(c *call) {
	p.inbound = append(p.inbound, c)
	if len(p.inbound) > 256 {
		p.inbound = slices.DeleteFunc(p.inbound, func(c *call) bool { return c.done.fired || !c.from.up })
	}
}

// hangUp fails the requests under way to a process that was killed: its system resets the connections.
func (p *peer) hangUp() {
	for _, c := range p.inbound {
		if !c.done.fired && c.from.up {
			p.world.network.answer(c, nil, fault.Unreachable)
		}
	}
	p.inbound = nil
}
