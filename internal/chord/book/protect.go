package book

import (
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/ring"
)

// protectTag marks connections to neighbors for the connection manager.
const protectTag = "p2pchord-ring"

// Protection keeps the connections of a host to its neighbors, and to nobody else, from being
// closed when there are too many. It is not safe for concurrent use.
type Protection struct {
	book      *Book
	protected map[ring.Position]bool
}

// NewProtection returns the Protection of the host of b. It protects nobody yet.
func NewProtection(b *Book) *Protection { return &Protection{book: b} }

// Set says who the neighbors are now.
func (p *Protection) Set(neighbors []ring.Position) {
	manager := p.book.host.ConnManager()
	now := make(map[ring.Position]bool, len(neighbors))
	for _, at := range neighbors {
		now[at] = true
		if !p.protected[at] {
			manager.Protect(peer.ID(at.ID), protectTag)
		}
	}
	for at := range p.protected {
		if !now[at] {
			manager.Unprotect(peer.ID(at.ID), protectTag)
		}
	}
	p.protected = now
}
