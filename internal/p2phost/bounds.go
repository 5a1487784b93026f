package p2phost

import (
	"slices"

	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// Bounds of the addresses that a host advertises, and of those that it keeps of others. Others keep
// no more of a peer than is advertised here: see protocol.MaxKeptAddrs.
const (
	maxAddrs      = 16
	maxAddrBytes  = 1400 // of addresses; with signatures and IDs that stays below 2 KiB
	maxRelayAddrs = 8    // of them, when there are too many

	maxBookAddrs   = 128 << 10 // of all peers that are not connected
	maxBookRecords = 16 << 10  // signed ones
)

// newPeerstore returns an address book that others can't fill up. libp2p's own bounds would allow
// hundreds of megabytes.
func newPeerstore() (peerstore.Peerstore, error) {
	return pstoremem.NewPeerstore(
		pstoremem.WithMaxAddresses(maxBookAddrs),
		pstoremem.WithMaxAddressesPerPeer(2*maxAddrs), // what is signed, and what was met
		pstoremem.WithMaxSignedPeerRecords(maxBookRecords),
	)
}

// bounded returns those of addrs that are advertised: all of them, or the most useful, as many as
// others keep. Of a relay one or two addresses are of use.
func bounded(addrs []ma.Multiaddr) []ma.Multiaddr {
	size := 0
	for _, a := range addrs {
		size += len(a.Bytes())
	}
	if len(addrs) <= maxAddrs && size <= maxAddrBytes {
		return addrs
	}
	// a relay is worth more than an address of this network
	rank := func(a ma.Multiaddr) int { return [...]int{0, 2, 1, 3}[peeraddr.Distance(a)] }
	addrs = slices.Clone(addrs)
	slices.SortStableFunc(addrs, func(a, b ma.Multiaddr) int { return rank(a) - rank(b) })
	var out []ma.Multiaddr
	size = 0
	relays := 0
	for _, a := range addrs {
		if peeraddr.IsRelay(a) {
			if relays == maxRelayAddrs {
				continue
			}
			relays++
		}
		if n := len(a.Bytes()); len(out) < maxAddrs && size+n <= maxAddrBytes {
			out, size = append(out, a), size+n
		}
	}
	return out
}
