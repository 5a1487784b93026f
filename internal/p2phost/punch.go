package p2phost

import (
	"net/netip"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// punchFilter completes the addresses that two peers exchange before they punch a
// hole. (holepunch.AddrFilter; it is called from the host's goroutines.)
//
//   - An address observed over one transport only is given for the other too, with the
//     listen port: most NATs keep port numbers, and where UDP is blocked nothing but a guessed TCP address works.
//   - Peers behind the same public address get each other's private ones; others never do,
//     so that nobody's network is dialled into by strangers.
type punchFilter struct {
	self atomic.Pointer[punchSelf]
}

type punchSelf struct {
	host host.Host
	tcp  int // listen port, 0 for none
	udp  int
}

// attach gives the filter its host; until then it filters nothing.
func (f *punchFilter) attach(h host.Host) {
	self := &punchSelf{host: h}
	for _, a := range h.Network().ListenAddresses() {
		port, ok := portOf(a)
		switch {
		case !ok: // the relay's listener, which has no address of its own
		case isTCP(a) && self.tcp == 0:
			self.tcp = port
		case a[1].Code() == ma.P_UDP && self.udp == 0:
			self.udp = port
		}
	}
	f.self.Store(self)
}

// FilterLocal returns what remote is told of this host's addresses.
func (f *punchFilter) FilterLocal(remote peer.ID, addrs []ma.Multiaddr) []ma.Multiaddr {
	self := f.self.Load()
	if self == nil {
		return addrs
	}
	out := withSiblings(addrs, self.tcp, self.udp)
	if samePublicIP(addrs, self.host.Peerstore().Addrs(remote)) {
		out = append(out, privateOf(self.host.Addrs())...)
	}
	return ma.Unique(out)
}

// FilterRemote returns which of remote's addresses are dialled.
func (f *punchFilter) FilterRemote(remote peer.ID, addrs []ma.Multiaddr) []ma.Multiaddr {
	self := f.self.Load()
	if self == nil || !samePublicIP(addrs, self.host.Addrs()) {
		return addrs
	}
	return ma.Unique(append(slices.Clone(addrs), privateOf(self.host.Peerstore().Addrs(remote))...))
}

// withSiblings returns addrs and, for each public IP address among them, TCP and QUIC on
// the listen ports (0 for none).
func withSiblings(addrs []ma.Multiaddr, tcp, udp int) []ma.Multiaddr {
	out := slices.Clone(addrs)
	for _, a := range addrs {
		if isRelay(a) || len(a) < 2 || !manet.IsPublicAddr(a) {
			continue
		}
		ip := a[:1]
		if ip[0].Code() != ma.P_IP4 && ip[0].Code() != ma.P_IP6 {
			continue
		}
		if tcp != 0 {
			out = append(out, ma.Join(ip, ma.StringCast("/tcp/"+strconv.Itoa(tcp))))
		}
		if udp != 0 {
			out = append(out, ma.Join(ip, ma.StringCast("/udp/"+strconv.Itoa(udp)+"/quic-v1")))
		}
	}
	return ma.Unique(out)
}

// samePublicIP reports whether a and b have a public IP address in common: the sign of one NAT.
func samePublicIP(a, b []ma.Multiaddr) bool {
	for _, ip := range publicIPs(a) {
		if slices.Contains(publicIPs(b), ip) {
			return true
		}
	}
	return false
}

func publicIPs(addrs []ma.Multiaddr) []netip.Addr {
	var out []netip.Addr
	for _, a := range addrs {
		if isRelay(a) || !manet.IsPublicAddr(a) {
			continue
		}
		if ip, err := manet.ToIP(a); err == nil {
			if addr, ok := netip.AddrFromSlice(ip); ok {
				out = append(out, addr.Unmap())
			}
		}
	}
	return out
}

func privateOf(addrs []ma.Multiaddr) []ma.Multiaddr {
	var out []ma.Multiaddr
	for _, a := range addrs {
		if !isRelay(a) && manet.IsPrivateAddr(a) && !manet.IsIPLoopback(a) {
			out = append(out, a)
		}
	}
	return out
}
