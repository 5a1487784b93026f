package node

import (
	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/connpath"
)

// The words for how others reach a node.
const (
	ReachablePublic  = "public"
	ReachablePrivate = "private"
	ReachableUnknown = "unknown"
)

// reachability is "public" when a peer elsewhere has confirmed one of the addresses,
// "private" when all that could be public were tried in vain, or when there is none although a
// peer of the public internet is connected. Else it is unknown.
func (n *Node) reachability() string { return n.sight.reachability() }

// reachability is that of the host in sight.
func (s *sight) reachability() string {
	r := s.verdicts()
	switch {
	case len(r.Reachable) > 0:
		return ReachablePublic
	case len(r.Unknown) == 0 && len(r.Unreachable) > 0:
		return ReachablePrivate
	}
	for _, a := range s.host.Addrs() {
		if ownPublic(a) {
			return ReachableUnknown
		}
	}
	for _, c := range s.host.Network().Conns() {
		if connpath.Of(c).Kind == PathDirect && c.Stat().Direction == network.DirOutbound && manet.IsPublicAddr(c.RemoteMultiaddr()) {
			return ReachablePrivate
		}
	}
	return ReachableUnknown
}

// ownPublic reports whether a is public and the host's own: not that of its relay.
func ownPublic(a ma.Multiaddr) bool {
	_, relayed := connpath.Relay(a)
	return !relayed && manet.IsPublicAddr(a)
}
