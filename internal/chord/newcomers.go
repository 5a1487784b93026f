package chord

import (
	"context"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/ring"
)

// A notify names a peer as this one's predecessor. Anybody can send one, and the ring takes the
// peer at once: the arc shrinks, and waits for that peer's grant. So a peer that is not in the view
// yet first has to answer, as a member at that place.

// maxNewcomers bounds the peers asked at a time. One more makes the one that has been asked for
// longest give way.
const maxNewcomers = 32

// newcomers are the peers that have notified and are being asked for their place. It is safe for
// concurrent use.
type newcomers struct {
	mu    sync.Mutex
	asked []*newcomer // in the order in which they were asked
}

type newcomer struct {
	at     ring.Position
	cancel context.CancelFunc // nil until it is being asked
	gone   bool               // it has given way
}

// add takes in a position. It returns nil when the peer there is being asked already.
func (c *newcomers) add(at ring.Position) *newcomer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.ContainsFunc(c.asked, func(o *newcomer) bool { return o.at == at }) {
		return nil
	}
	if len(c.asked) == maxNewcomers {
		oldest := c.asked[0]
		oldest.gone = true
		if oldest.cancel != nil {
			oldest.cancel()
		}
		c.asked = slices.Delete(c.asked, 0, 1)
	}
	n := &newcomer{at: at}
	c.asked = append(c.asked, n)
	return n
}

// begin notes what ends the question. It returns false when the newcomer has given way already.
func (c *newcomers) begin(n *newcomer, cancel context.CancelFunc) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	n.cancel = cancel
	return !n.gone
}

// remove notes that the peer has been asked.
func (c *newcomers) remove(n *newcomer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = slices.DeleteFunc(c.asked, func(o *newcomer) bool { return o == n })
}

// Notified tells the ring that the peer at a position considers itself this node's predecessor,
// once the peer has answered there. It does not wait for that.
func (d *Driver) Notified(at ring.Position) {
	if slices.Contains(d.Snapshot().View.Neighbors(), at) {
		d.Step(ring.Notified{From: at})
		return
	}
	n := d.newcomers.add(at)
	if n == nil {
		return
	}
	d.env.Go("asking a new predecessor", func(ctx context.Context) {
		defer d.newcomers.remove(n)
		ctx, cancel := d.env.WithTimeout(network.WithNoDial(ctx, "the peer has just asked"), d.Patience(1))
		defer cancel()
		if d.newcomers.begin(n, cancel) && d.answersAt(ctx, at) {
			d.Step(ring.Notified{From: at})
		}
	}, nil)
}

// answersAt reports whether the peer at a position answers as a member, and names that position as
// its own. It is asked over the connection that it has.
func (d *Driver) answersAt(ctx context.Context, at ring.Position) bool {
	state, err := d.Observe(ctx, peerID(at))
	if err != nil || !state.GetJoined() {
		return false
	}
	self, err := d.book.Parse(state.GetSelf())
	return err == nil && self.ID == peer.ID(at.ID) && self.Position == at
}
