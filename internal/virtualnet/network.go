package virtualnet

import (
	"time"

	"github.com/p2pchord/p2pchord/internal/env/virtual"
	"github.com/p2pchord/p2pchord/ring"
)

// Network is the network of a world.
type Network struct {
	// Least and Most bound how long a message takes. Tail is the chance that it takes up to a
	// second more, as after lost packets.
	Least, Most time.Duration
	Tail        float64
	// Loss and Twice are how likely a message is lost, or comes twice.
	Loss, Twice float64
	// Meet, if not nil, is called when a message of a peer has come to another: in a private ring
	// they tell each other the statements of the network.
	Meet func(from, to *Node)

	world   *virtual.World
	dice    virtual.Dice
	timeout time.Duration
	nodes   map[ring.ID]*Node
	cuts    map[link]int // how many faults keep messages from passing
}

// link is a direction between two nodes.
type link struct{ from, to *Node }

// New returns a network without nodes. timeout is how long a peer may give no sign of life during a
// request.
func New(w *virtual.World, dice virtual.Dice, timeout time.Duration) *Network {
	return &Network{
		Least: 200 * time.Microsecond, Most: 20 * time.Millisecond,
		world: w, dice: dice, timeout: timeout, nodes: map[ring.ID]*Node{}, cuts: map[link]int{},
	}
}

// Cut keeps messages from passing from one node to another, until as many calls of Mend.
func (n *Network) Cut(from, to *Node) { n.cuts[link{from, to}]++ }

// Mend takes back one call of Cut.
func (n *Network) Mend(from, to *Node) {
	l := link{from, to}
	if n.cuts[l]--; n.cuts[l] <= 0 {
		delete(n.cuts, l)
	}
}

// Connects reports whether messages pass between two nodes in both directions.
func (n *Network) Connects(a, b *Node) bool { return n.passes(a, b) && n.passes(b, a) }

// Calm ends all faults.
func (n *Network) Calm() {
	n.Loss, n.Twice, n.Tail = 0, 0, 0
	clear(n.cuts)
}

func (n *Network) passes(from, to *Node) bool { return n.cuts[link{from, to}] == 0 }

func (n *Network) delay() time.Duration {
	d := n.dice.Between(n.Least, n.Most)
	if n.dice.Chance(n.Tail) {
		d += n.dice.Between(0, time.Second)
	}
	return d
}
