package netcheck

import (
	"net"
	"net/netip"
	"slices"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// natCheck judges the router by the observations and, where they don't suffice, by libp2p's
// judgment.
func natCheck(ob *Observer, listen []ma.Multiaddr, own []netip.Addr) NATCheck {
	seen := ob.observations()
	out := NATCheck{
		TCP:      natKind(seen, own, listen, connpath.TCP),
		UDP:      natKind(seen, own, listen, connpath.QUIC),
		Observed: []Observed{},
	}
	out.TCP = orJudged(out.TCP, ob.natType(network.NATTransportTCP))
	out.UDP = orJudged(out.UDP, ob.natType(network.NATTransportUDP))
	// the worst that is known first
	for _, kind := range []string{NATDependent, NATUnknown, NATIndependent, NATNone} {
		if (out.TCP == kind || out.UDP == kind) && (kind != NATUnknown || out.TCP == out.UDP) {
			out.Kind = kind
			break
		}
	}
	for _, o := range seen {
		out.Observed = append(out.Observed, Observed{Addr: o.as.String(), Transport: o.transport, By: o.peer.String()})
	}
	return out
}

// natKind judges the router by what peers on the internet saw of connections that left from one of
// the listen ports. If two of them saw the same outside port for one port here, hole punching gets
// through the router; if they saw different ones, it doesn't (RFC 5780, section 4.3, with peers in
// place of the servers).
func natKind(seen []observation, own []netip.Addr, listen []ma.Multiaddr, transport string) string {
	ports := make(map[uint16]bool)
	for _, a := range listen {
		if ep, ok := endpointOf(a); ok && connpath.Transport(a) == transport {
			ports[ep.Port()] = true
		}
	}
	// from the end here to the end that others see
	outside := make(map[netip.AddrPort]netip.AddrPort)
	observers := make(map[netip.AddrPort][]netip.Addr)
	kind := NATUnknown
	for _, o := range seen {
		from, ok1 := endpointOf(o.from)
		as, ok2 := endpointOf(o.as)
		at, ok3 := endpointOf(o.at)
		if o.transport != transport || !ok1 || !ok2 || !ok3 || !manet.IsPublicAddr(o.as) || !manet.IsPublicAddr(o.at) {
			continue
		}
		if slices.Contains(own, as.Addr()) {
			return NATNone
		}
		if !ports[from.Port()] || slices.Contains(observers[from], at.Addr()) {
			continue
		}
		observers[from] = append(observers[from], at.Addr())
		switch known, ok := outside[from]; {
		case !ok:
			outside[from] = as
		case known == as:
			if kind == NATUnknown {
				kind = NATIndependent
			}
		default:
			kind = NATDependent
		}
	}
	return kind
}

func orJudged(kind string, judged network.NATDeviceType) string {
	if kind != NATUnknown {
		return kind
	}
	switch judged {
	case network.NATDeviceTypeEndpointIndependent:
		return NATIndependent
	case network.NATDeviceTypeEndpointDependent:
		return NATDependent
	case network.NATDeviceTypeUnknown:
	}
	return NATUnknown
}

// endpointOf returns the IP address and port of a. ok is false when it has none.
func endpointOf(a ma.Multiaddr) (ep netip.AddrPort, ok bool) {
	ip, hasIP := peeraddr.IP(a)
	port, hasPort := peeraddr.Port(a)
	return netip.AddrPortFrom(ip, uint16(port)), hasIP && hasPort //nolint:gosec // a port
}

// machineIPs returns the addresses of this machine's interfaces that are up and connected, without
// loopback and link-local ones.
func machineIPs() []netip.Addr {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil
	}
	var out []netip.Addr
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagRunning == 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue // it has just gone
		}
		for _, a := range addrs {
			prefix, err := netip.ParsePrefix(a.String())
			if err != nil {
				continue
			}
			if ip := prefix.Addr().Unmap(); !ip.IsLoopback() && !ip.IsLinkLocalUnicast() && !slices.Contains(out, ip) {
				out = append(out, ip)
			}
		}
	}
	return out
}
