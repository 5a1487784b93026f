package peeraddr

import (
	"slices"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// Full returns h's addresses, each with /p2p/ID: public ones first, then those of
// the local network, then relayed ones, loopback last.
func Full(h host.Host) []ma.Multiaddr {
	addrs := slices.Clone(h.Addrs())
	slices.SortStableFunc(addrs, func(a, b ma.Multiaddr) int { return Distance(a) - Distance(b) })
	id, err := ma.NewComponent("p2p", h.ID().String())
	if err != nil {
		return nil
	}
	for i, a := range addrs {
		addrs[i] = a.Encapsulate(id.Multiaddr())
	}
	return addrs
}

// Parse reads the multiaddr of a peer, which must name its peer ID. The error is of kind
// fault.Usage.
func Parse(s string) (ma.Multiaddr, error) {
	a, err := ma.NewMultiaddr(s)
	if err != nil {
		return nil, fault.New(fault.Usage, "%q is not a multiaddr (%w): give one like /ip4/192.0.2.1/tcp/4700/p2p/12D3Koo...", s, fault.OneLine(err))
	}
	if _, err := Split(a); err != nil {
		return nil, err
	}
	return a, nil
}

// Split returns the peer ID and the address to dial of a. The error is of kind fault.Usage.
func Split(a ma.Multiaddr) (peer.AddrInfo, error) {
	info, err := peer.AddrInfoFromP2pAddr(a)
	if err != nil {
		return peer.AddrInfo{}, fault.New(fault.Usage,
			"%q doesn't end with the peer ID: give the whole line that the peer printed, with /p2p/ID", a)
	}
	if len(info.Addrs) == 0 {
		return peer.AddrInfo{}, fault.New(fault.Usage,
			"%q has no address to dial: give the whole line that the peer printed", a)
	}
	return *info, nil
}

// Infos merges full addresses by peer, in the order in which the peers first appear.
// The error is of kind fault.Usage.
func Infos(addrs []ma.Multiaddr) ([]peer.AddrInfo, error) {
	var out []peer.AddrInfo
	for _, a := range addrs {
		info, err := Split(a)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(out, func(o peer.AddrInfo) bool { return o.ID == info.ID })
		if i < 0 {
			out = append(out, info)
		} else {
			out[i].Addrs = append(out[i].Addrs, info.Addrs...)
		}
	}
	return out, nil
}

// ByPeer groups full addresses by peer, in the order in which the peers first appear.
// The error is of kind fault.Usage.
func ByPeer(addrs []ma.Multiaddr) ([][]ma.Multiaddr, error) {
	var out [][]ma.Multiaddr
	var ids []peer.ID
	for _, a := range addrs {
		info, err := Split(a)
		if err != nil {
			return nil, err
		}
		if i := slices.Index(ids, info.ID); i >= 0 {
			out[i] = append(out[i], a)
		} else {
			ids, out = append(ids, info.ID), append(out, []ma.Multiaddr{a})
		}
	}
	return out, nil
}
