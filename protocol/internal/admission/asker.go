package admission

import (
	"net/netip"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
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

// AddressGroup names the addresses that one household or host may have beside m: its IPv4 address
// or IPv6 /56. Those that come through a relay are one group. It is empty, no group at all, for
// this machine's own.
func AddressGroup(m ma.Multiaddr) string {
	ip, err := manet.ToIP(m)
	switch {
	case err != nil:
		return m.String()
	case ip.IsLoopback():
		return ""
	}
	addr, _ := netip.AddrFromSlice(ip)
	if addr = addr.Unmap(); addr.Is6() {
		if net, err := addr.Prefix(56); err == nil {
			return net.String()
		}
	}
	return addr.String()
}
