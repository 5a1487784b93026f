package upgrade

import (
	"slices"
	"strconv"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/p2phost/observed"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// claimedFor is how long the private addresses that a peer behind the same router has claimed are
// kept.
const claimedFor = 10 * time.Minute

// filter completes the addresses that two peers exchange before they punch a hole. It is a
// holepunch.AddrFilter, which libp2p calls from its own goroutines.
//
//   - An address observed over one transport only is given for the other too, with the listen port:
//     most NATs keep port numbers, and where UDP is blocked nothing but a guessed TCP address
//     works.
//   - Peers behind the same public address don't punch: the Upgrader dials the private addresses
//     that they claim. Only when that has failed is the way through the router tried. Others leave
//     private addresses out, so that strangers make nobody dial into a network.
type filter struct {
	observed *observed.Addresses
	host     host.Host
	tcp      int // listen port, 0 for none
	udp      int
}

func newFilter(h host.Host, o *observed.Addresses) *filter {
	f := &filter{observed: o, host: h}
	for _, a := range h.Network().ListenAddresses() {
		port, ok := peeraddr.Port(a)
		switch {
		case !ok: // the relay's listener, which has no address of its own
		case peeraddr.IsTCP(a) && f.tcp == 0:
			f.tcp = port
		case a[1].Code() == ma.P_UDP && f.udp == 0:
			f.udp = port
		}
	}
	return f
}

// FilterLocal returns the addresses of this host that remote is given.
func (f *filter) FilterLocal(remote peer.ID, addrs []ma.Multiaddr) []ma.Multiaddr {
	return ma.Unique(append(withSiblings(addrs, f.tcp, f.udp), peeraddr.Private(f.host.Addrs())...))
}

// FilterRemote returns which of remote's addresses are dialed to punch a hole.
func (f *filter) FilterRemote(remote peer.ID, addrs []ma.Multiaddr) []ma.Multiaddr {
	f.observed.Claim(remote, addrs)
	if observed.Compare(f.observed.IPs(), peeraddr.PublicIPs(addrs)) != observed.Same {
		return peeraddr.Public(addrs)
	}
	f.host.Peerstore().AddAddrs(remote, peeraddr.Private(addrs), claimedFor)
	if f.observed.Missed(remote) {
		return addrs
	}
	f.observed.Notify()
	return nil
}

// withSiblings returns addrs and, for each public IP address among them, TCP and QUIC on
// the listen ports (0 for none).
func withSiblings(addrs []ma.Multiaddr, tcp, udp int) []ma.Multiaddr {
	out := slices.Clone(addrs)
	for _, a := range addrs {
		if peeraddr.IsRelay(a) || len(a) < 2 || !manet.IsPublicAddr(a) {
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
