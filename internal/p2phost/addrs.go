package p2phost

import (
	"slices"
	"strconv"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// FullAddrs returns h's addresses, each with /p2p/ID: public ones first, then those of
// the local network, then relayed ones, loopback last.
func FullAddrs(h host.Host) []ma.Multiaddr {
	addrs := slices.Clone(h.Addrs())
	slices.SortStableFunc(addrs, func(a, b ma.Multiaddr) int { return distance(a) - distance(b) })
	id, err := ma.NewComponent("p2p", h.ID().String())
	if err != nil {
		return nil
	}
	for i, a := range addrs {
		addrs[i] = a.Encapsulate(id.Multiaddr())
	}
	return addrs
}

// distance orders addresses by how useful they are to somebody elsewhere.
func distance(a ma.Multiaddr) int {
	switch {
	case manet.IsIPLoopback(a):
		return 3
	case isRelay(a):
		return 2
	case manet.IsPrivateAddr(a) || manet.IsIP6LinkLocal(a):
		return 1
	}
	return 0
}

// ParseFullAddr reads the multiaddr of a peer, which must name its peer ID. The error is of kind fault.Usage.
func ParseFullAddr(s string) (ma.Multiaddr, error) {
	a, err := ma.NewMultiaddr(s)
	if err != nil {
		return nil, fault.New(fault.Usage, "%q is not a multiaddr (%w): give one like /ip4/192.0.2.1/tcp/4700/p2p/12D3Koo...", s, oneLine{err})
	}
	if _, err := SplitFullAddr(a); err != nil {
		return nil, err
	}
	return a, nil
}

// SplitFullAddr returns the peer ID and the address to dial of a. The error is of kind fault.Usage.
func SplitFullAddr(a ma.Multiaddr) (peer.AddrInfo, error) {
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

// AddrInfos merges full addresses by peer, in the order in which the peers first appear.
// The error is of kind fault.Usage.
func AddrInfos(addrs []ma.Multiaddr) ([]peer.AddrInfo, error) {
	var out []peer.AddrInfo
	for _, a := range addrs {
		info, err := SplitFullAddr(a)
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
		info, err := SplitFullAddr(a)
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

// WithTCP returns addrs and, for each QUIC address, the TCP address with the same port, on which peers of this project
// listen too: some networks block UDP, and users copy one line.
func WithTCP(addrs []ma.Multiaddr) []ma.Multiaddr {
	out := slices.Clone(addrs)
	for _, a := range addrs {
		if port, ok := portOf(a); ok && len(a) >= 2 && a[1].Code() == ma.P_UDP {
			out = append(out, ma.Join(a[:1], ma.StringCast("/tcp/"+strconv.Itoa(port))))
		}
	}
	return ma.Unique(out)
}

// PublicAddrs returns those of addrs that lead over the internet to the peer itself, not to a relay.
func PublicAddrs(addrs []ma.Multiaddr) []ma.Multiaddr {
	return slices.DeleteFunc(slices.Clone(addrs), func(a ma.Multiaddr) bool { return isRelay(a) || !manet.IsPublicAddr(a) })
}

// OnAddrsChanged calls f, from one goroutine, each time h's addresses have changed, and
// once at the start. stop ends that and waits for f to return.
func OnAddrsChanged(h host.Host, f func()) (stop func(), err error) {
	sub, err := h.EventBus().Subscribe(new(event.EvtLocalAddressesUpdated), eventbus.Name("p2pchord addresses"))
	if err != nil {
		return nil, fault.New(fault.Failed, "can't watch for changes of address: %w", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range sub.Out() {
			f()
		}
	}()
	return func() {
		_ = sub.Close() // it can only say that it is closed already
		<-done
	}, nil
}
