package p2phost

import (
	"slices"

	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// What a host keeps of others' addresses, and what it tells of its own. Others keep no more than
// that of a peer: see protocol.MaxKeptAddrs.
const (
	maxToldAddrs  = 16
	maxToldBytes  = 1400 // of addresses; with signatures and IDs that stays below 2 KiB
	maxToldRelays = 8    // of them, when there are too many

	maxBookAddrs   = 128 << 10 // of all peers that are not connected
	maxBookRecords = 16 << 10  // signed ones
)

// newPeerstore makes an address book that others can't fill up: libp2p's own bounds would take
// hundreds of megabytes.
func newPeerstore() (peerstore.Peerstore, error) {
	return pstoremem.NewPeerstore(
		pstoremem.WithMaxAddresses(maxBookAddrs),
		pstoremem.WithMaxAddressesPerPeer(2*maxToldAddrs), // what is signed, and what was met
		pstoremem.WithMaxSignedPeerRecords(maxBookRecords),
	)
}

// bounded is what is told of addresses, the most useful first: all of them, or as many as others
// keep. A relay is of use at one or two of its addresses.
func bounded(addrs []ma.Multiaddr) []ma.Multiaddr {
	size := 0
	for _, a := range addrs {
		size += len(a.Bytes())
	}
	if len(addrs) <= maxToldAddrs && size <= maxToldBytes {
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
			if relays == maxToldRelays {
				continue
			}
			relays++
		}
		if n := len(a.Bytes()); len(out) < maxToldAddrs && size+n <= maxToldBytes {
			out, size = append(out, a), size+n
		}
	}
	return out
}
