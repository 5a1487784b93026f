package chord

import (
	"slices"

	"github.com/p2pchord/p2pchord/ring"
)

// In a private ring a peer can lose its place: it is revoked, its grant ends, or it is granted
// another place. It isn't asked to leave, and need not be dead. To the ring it is.

// Review drops the peers that may no longer be in the ring. It is called when the book may admit
// fewer than before.
func (d *Driver) Review() { d.post(func(l *loop) { l.expel() }) }

// expel takes every peer in the view that may not be in the ring for dead. What was under way when
// a peer lost its place can bring it back into the view: so the loop does this after each change of
// the view.
func (l *loop) expel() {
	l.review = false
	known := slices.Concat(l.view.Successors(), l.view.Predecessors(), l.view.Fingers())
	for i, p := range known {
		if p.IsNode() && p != l.driver.cfg.Self && !slices.Contains(known[:i], p) && !l.driver.book.Admits(p) {
			l.step(ring.Departed{From: p})
		}
	}
	l.review = false
}

// admitted returns those of ps that may be in the ring.
func admitted(b Book, ps []ring.Position) []ring.Position {
	return slices.DeleteFunc(slices.Clone(ps), func(p ring.Position) bool { return !b.Admits(p) })
}
