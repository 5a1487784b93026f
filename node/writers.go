package node

import (
	"context"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/writers"
)

// reviewEvery is how often a node looks for members whose grants have ended: nobody says so.
const reviewEvery = 30 * time.Second

// writersOf says whose records are taken in the ring of a private network; in an open one, those of
// everybody.
func writersOf(n *membership.Network) writers.Rule {
	if n == nil {
		return writers.Rule{}
	}
	return writers.Rule{Network: membership.Ring{Network: n, Now: time.Now}}
}

// followWriters has records set aside whose writers may not write any more, and members dropped
// whose grants have ended. When the node itself has lost its place, it ends.
func (n *Node) followWriters() {
	if n.private == nil {
		return
	}
	changed := make(chan struct{}, 1)
	unsubscribe := n.private.Subscribe(func() {
		select {
		case changed <- struct{}{}:
		default: // it will look once more anyway
		}
	})
	n.spawn(func(ctx context.Context) {
		<-ctx.Done()
		unsubscribe()
	})
	n.keepRunning("looking at members again", func(ctx context.Context) {
		tick := time.NewTicker(reviewEvery)
		defer tick.Stop()
		for n.ring.Admits(n.self) {
			select {
			case <-ctx.Done():
				return
			case <-changed:
				n.replicas.WritersChanged()
			case <-tick.C:
				n.book.Review()
				n.driver().Review()
			}
		}
		n.endExpelled()
		<-ctx.Done()
	})
}

// endExpelled closes the node, which may not be in the ring any more. It hands nothing over: nobody
// would take it.
func (n *Node) endExpelled() {
	err := fault.New(fault.NotAllowed, "this peer has lost its place on the ring of the private network %s: it was revoked, its grant has ended, or an admin has given it another place; ask an admin", name(n.private))
	if n.expelled.CompareAndSwap(nil, &err) {
		n.event("expelled", err.Error())
		go func() { _ = n.Close() }() // Close waits for the caller; Err has the cause
	}
}
