package dial

import (
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// localQUICDelay is how long QUIC waits for TCP on the local network. A TCP connection whose
// handshake has begun holds further dials back by itself, so this bounds only the wait for an
// address that doesn't answer.
const localQUICDelay = swarm.PrivateTCPDelay

// Rank orders dials. On this machine and its network TCP comes first, because its throughput is two
// to four times QUIC's there. Everywhere else QUIC comes first, as libp2p has it: there the link is
// the bound, the shorter handshake counts, and the NAT's UDP mapping must become known for hole
// punching. Relays wait for the direct addresses of either kind.
//
// Among relays, those to which there is a connection come first, all at once; connected reports
// which.
func Rank(addrs []ma.Multiaddr, connected func(peer.ID) bool) []network.AddrDelay {
	var localTCP, localOther, relays, rest []ma.Multiaddr
	for _, a := range addrs {
		switch {
		case peeraddr.IsRelay(a):
			relays = append(relays, a)
		case manet.IsPrivateAddr(a) && peeraddr.IsTCP(a):
			localTCP = append(localTCP, a)
		case manet.IsPrivateAddr(a):
			localOther = append(localOther, a)
		default:
			rest = append(rest, a)
		}
	}
	out := swarm.DefaultDialRanker(localTCP)
	var wait time.Duration
	if len(localTCP) > 0 {
		wait = last(out) + localQUICDelay
	}
	out = append(out, later(swarm.DefaultDialRanker(localOther), wait)...)
	out = append(out, swarm.DefaultDialRanker(rest)...)
	wait = 0
	if len(out) > 0 {
		wait = swarm.RelayDelay
	}
	return append(out, later(rankRelays(relays, connected), wait)...)
}

// rankRelays gives each relay that is connected its turn at once, by one address, because the path
// to it is the same by all. The others follow as libp2p orders them.
func rankRelays(addrs []ma.Multiaddr, connected func(peer.ID) bool) []network.AddrDelay {
	var out []network.AddrDelay
	var rest []ma.Multiaddr
	tried := make(map[peer.ID]bool)
	for _, a := range addrs {
		if id, ok := peeraddr.Relay(a); ok && connected(id) && !tried[id] {
			tried[id] = true
			out = append(out, network.AddrDelay{Addr: a})
		} else {
			rest = append(rest, a)
		}
	}
	var wait time.Duration
	if len(out) > 0 {
		wait = swarm.RelayDelay
	}
	return append(out, later(swarm.DefaultDialRanker(rest), wait)...)
}

// last returns the greatest delay of dials.
func last(dials []network.AddrDelay) time.Duration {
	var d time.Duration
	for _, a := range dials {
		d = max(d, a.Delay)
	}
	return d
}

func later(dials []network.AddrDelay, by time.Duration) []network.AddrDelay {
	for i := range dials {
		dials[i].Delay += by
	}
	return dials
}
