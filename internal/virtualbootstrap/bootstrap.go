// Package virtualbootstrap is what a bootstrap peer answers in a simulation: members near the place
// of a newcomer, or that it shall found the ring.
//
// It reads no clock, starts nothing, and has no lock. Who reaches the bootstrap peer, and who is a
// member, its caller says.
package virtualbootstrap

import (
	"slices"
	"time"

	"github.com/p2pchord/p2pchord/ring"
)

// Peer is a bootstrap peer. The zero Peer has told nobody to found a ring.
type Peer struct {
	founder ring.Position
	until   time.Duration // when another may be told to found a ring; 0 if nobody was
}

// Introduce answers a newcomer: with the nearest of the other members, which are in the order of
// their positions, or that it shall found the ring. One peer at a time is told that, for patience,
// and only while there is no member.
func (b *Peer) Introduce(newcomer ring.Position, members []ring.Position, now, patience time.Duration) (peers []ring.Position, found bool) {
	if n := len(members); n > 0 {
		at, _ := slices.BinarySearchFunc(members, newcomer, ring.Position.Compare)
		for i := -2; i < 4; i++ {
			if q := members[((at+i)%n+n)%n]; !slices.Contains(peers, q) {
				peers = append(peers, q)
			}
		}
		return peers, false
	}
	if b.until > 0 && b.founder != newcomer && now < b.until {
		return []ring.Position{b.founder}, false
	}
	b.founder, b.until = newcomer, now+patience
	return nil, true
}
