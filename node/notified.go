package node

import (
	"context"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/ring"
)

// A notify names a peer as this node's predecessor. Anybody can send one, and the ring takes the peer at once: the arc shrinks,
// and waits for that peer's grant. So a peer that is not in the view yet first has to answer, as a member at that place.

// maxNewcomers bounds the peers asked at a time. One more makes the one that has been asked for longest give way.
const maxNewcomers = 32

// newcomers are the peers that have notified and are being asked for their place. It is safe for concurrent use.
type newcomers struct {
	mu    sync.Mutex
	asked []newcomer // in the order in which they were asked
}

type newcomer struct {
	at     ring.Position
	cancel context.CancelFunc
}

// add returns the context for asking the peer at a position; false when it is being asked already.
func (c *newcomers) add(ctx context.Context, at ring.Position) (context.Context, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.ContainsFunc(c.asked, func(o newcomer) bool { return o.at == at }) {
		return nil, false
	}
	if len(c.asked) == maxNewcomers {
		c.asked[0].cancel()
		c.asked = slices.Delete(c.asked, 0, 1)
	}
	ctx, cancel := context.WithCancel(ctx)
	c.asked = append(c.asked, newcomer{at, cancel})
	return ctx, true
}

// remove notes that the peer has been asked.
func (c *newcomers) remove(at ring.Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.IndexFunc(c.asked, func(o newcomer) bool { return o.at == at }); i >= 0 {
		c.asked[i].cancel()
		c.asked = slices.Delete(c.asked, i, i+1)
	}
}

// notified tells the ring that the peer at a position believes to be the predecessor, once the peer has answered there.
func (n *Node) notified(at ring.Position) {
	if n.inViewAt(at) {
		n.step(ring.Notified{From: at})
		return
	}
	asking, ok := n.newcomers.add(n.ctx, at)
	if !ok {
		return
	}
	n.work("asking a new predecessor", func(context.Context) {
		defer n.newcomers.remove(at)
		if n.answersAt(asking, at) {
			n.step(ring.Notified{From: at})
		}
	}, nil)
}

// answersAt reports whether the peer at a position answers as a member, and names that position as its own. It is asked over the
// connection that it has.
func (n *Node) answersAt(ctx context.Context, at ring.Position) bool {
	ctx, cancel := context.WithTimeout(network.WithNoDial(ctx, "the peer has just asked"), n.patience(1))
	defer cancel()
	state, err := observe(ctx, n.client, peerID(at))
	if err != nil || !state.GetJoined() {
		return false
	}
	self, err := protocol.ParsePeer(state.GetSelf())
	return err == nil && self.ID == peer.ID(at.ID) && self.Position == at
}
