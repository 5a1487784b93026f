package peeraddr

import (
	"net/netip"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// IsRelay reports whether a leads through a relay.
func IsRelay(a ma.Multiaddr) bool {
	_, ok := Relay(a)
	return ok
}

// Relay returns the relay through which address a leads. ok is false when a leads through none; the
// relay is empty when a doesn't name it.
func Relay(a ma.Multiaddr) (relay peer.ID, ok bool) {
	for i, c := range a {
		if c.Code() != ma.P_CIRCUIT {
			continue
		}
		if i > 0 && a[i-1].Code() == ma.P_P2P {
			relay, _ = peer.IDFromBytes(a[i-1].RawValue()) // empty if the bytes are no peer ID
		}
		return relay, true
	}
	return "", false
}

// IsTCP reports whether a is plain TCP, without a WebSocket on it.
func IsTCP(a ma.Multiaddr) bool {
	if _, err := a.ValueForProtocol(ma.P_TCP); err != nil {
		return false
	}
	_, ws := a.ValueForProtocol(ma.P_WS)
	_, wss := a.ValueForProtocol(ma.P_WSS)
	return ws != nil && wss != nil
}

// IsName reports whether a begins with a name and leads through no relay.
func IsName(a ma.Multiaddr) bool {
	if len(a) == 0 || IsRelay(a) {
		return false
	}
	switch a[0].Code() {
	case ma.P_DNS, ma.P_DNS4, ma.P_DNS6, ma.P_DNSADDR:
		return true
	}
	return false
}

// Distance orders addresses by how useful they are to a peer elsewhere: 0 is public, 1 is of a
// local network, 2 leads through a relay, 3 is loopback.
func Distance(a ma.Multiaddr) int {
	switch {
	case manet.IsIPLoopback(a):
		return 3
	case IsRelay(a):
		return 2
	case manet.IsPrivateAddr(a) || manet.IsIP6LinkLocal(a):
		return 1
	}
	return 0
}

// LoopbackOnly reports whether every one of addrs is a loopback address; of none it is false.
func LoopbackOnly(addrs []ma.Multiaddr) bool {
	for _, a := range addrs {
		if !manet.IsIPLoopback(a) {
			return false
		}
	}
	return len(addrs) > 0
}

// Public returns those of addrs that lead over the internet to the peer itself, not to a relay.
func Public(addrs []ma.Multiaddr) []ma.Multiaddr {
	return slices.DeleteFunc(slices.Clone(addrs), func(a ma.Multiaddr) bool { return IsRelay(a) || !manet.IsPublicAddr(a) })
}

// Private returns those of addrs that lead to the peer itself in a local network. Loopback isn't
// among them.
func Private(addrs []ma.Multiaddr) []ma.Multiaddr {
	var out []ma.Multiaddr
	for _, a := range addrs {
		if !IsRelay(a) && manet.IsPrivateAddr(a) && !manet.IsIPLoopback(a) {
			out = append(out, a)
		}
	}
	return out
}

// IP returns the IP address with which a begins; ok is false when that is a relay's, or a name.
func IP(a ma.Multiaddr) (ip netip.Addr, ok bool) {
	if IsRelay(a) {
		return netip.Addr{}, false
	}
	raw, err := manet.ToIP(a)
	if err != nil {
		return netip.Addr{}, false
	}
	ip, ok = netip.AddrFromSlice(raw)
	return ip.Unmap(), ok
}

// IsPublicIP reports whether ip is an address of the internet.
func IsPublicIP(ip netip.Addr) bool {
	a, err := manet.FromIP(ip.AsSlice())
	return err == nil && manet.IsPublicAddr(a)
}

// PublicIPs returns the public IP addresses among addrs, but not those of relays.
func PublicIPs(addrs []ma.Multiaddr) []netip.Addr {
	var out []netip.Addr
	for _, a := range addrs {
		if ip, ok := IP(a); ok && IsPublicIP(ip) {
			out = append(out, ip)
		}
	}
	return out
}

// Household returns the IPv4 address or IPv6 /56 of endpoint. It is not valid for loopback, and
// where there is no IP address.
func Household(endpoint ma.Multiaddr) netip.Prefix {
	ip, err := manet.ToIP(endpoint)
	if err != nil || ip.IsLoopback() {
		return netip.Prefix{}
	}
	addr, _ := netip.AddrFromSlice(ip)
	addr = addr.Unmap()
	bits := 32
	if addr.Is6() {
		bits = 56
	}
	prefix, _ := addr.Prefix(bits) // bits are in range
	return prefix
}
