package manage

import (
	"slices"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/network/invitation"
)

// ErrNoNetwork says that a folder or a node has no network.
var ErrNoNetwork = fault.New(fault.Failed, "there is no private network in this data folder: its ring is open to everybody; make one with `p2pchord network create`, or join one with `p2pchord join`")

// maxCodeAddresses bounds the addresses in a code, so that its picture stays readable.
const maxCodeAddresses = 4

// CodeAddresses chooses the addresses for codes: those of bootstrap peers, or without any a peer's
// own. Loopback is for rings on one machine.
func CodeAddresses(bootstrap, own []ma.Multiaddr) (out [][]byte) {
	add := func(all []ma.Multiaddr, most int) {
		for _, a := range all {
			if most > 0 && len(out) < maxCodeAddresses && !slices.ContainsFunc(out, func(b []byte) bool { return string(b) == string(a.Bytes()) }) {
				out = append(out, a.Bytes())
				most--
			}
		}
	}
	if len(bootstrap) > 0 {
		add(bootstrap, maxCodeAddresses)
		return out
	}
	add(peeraddr.Public(own), 2)
	add(peeraddr.Private(own), 2)
	if len(out) == 0 {
		add(own, 2)
	}
	return out[:min(len(out), invitation.MaxAddresses)]
}
