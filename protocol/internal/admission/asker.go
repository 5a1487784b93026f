package admission

import (
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// Asker is who sends a request.
type Asker struct {
	ID peer.ID
	// a group of addresses that one machine or household may have; empty for this machine's own
	Address  string
	Neighbor bool // in the ring, as this peer sees it
}

// Priority returns how much of the memory for requests may be in use already: strangers leave some
// for neighbors.
func (a Asker) Priority() uint8 {
	if a.Neighbor {
		return network.ReservationPriorityAlways
	}
	return network.ReservationPriorityMedium
}

// AddressGroup names the addresses that one household or host may have beside m; see
// peeraddr.Household. Those that come through a relay are one group. It is empty, no group at all,
// for this machine's own.
func AddressGroup(m ma.Multiaddr) string {
	household := peeraddr.Household(m)
	switch {
	case household.IsSingleIP():
		return household.Addr().String()
	case household.IsValid():
		return household.String()
	case manet.IsIPLoopback(m):
		return ""
	default:
		return m.String()
	}
}
