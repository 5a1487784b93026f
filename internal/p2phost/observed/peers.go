package observed

import (
	"net/netip"
	"slices"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// Claim notes the addresses that p gives of itself before a hole is punched.
func (a *Addresses) Claim(p peer.ID, addrs []ma.Multiaddr) {
	ips := peeraddr.PublicIPs(addrs)
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.claims[p]; !ok && len(a.claims) >= maxClaims {
		for other := range a.claims { // any: it claims them again before the next hole
			delete(a.claims, other)
			break
		}
	}
	a.claims[p] = claim{ips: ips, missed: a.claims[p].missed}
}

// Miss notes that p, which is behind the same router, could not be dialed there.
func (a *Addresses) Miss(p peer.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c, ok := a.claims[p]; ok {
		c.missed = true
		a.claims[p] = c
	}
}

// Missed reports whether Miss has noted p.
func (a *Addresses) Missed(p peer.ID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.claims[p].missed
}

// IPsOf returns the public addresses behind which p is, as far as is known.
func (a *Addresses) IPsOf(p peer.ID) []netip.Addr {
	a.mu.Lock()
	conns, book := a.sources.Conns, a.sources.Book
	out := slices.Clone(a.claims[p].ips)
	a.mu.Unlock()
	if conns == nil {
		return out
	}
	for _, c := range conns(p) {
		if ip, ok := peeraddr.IP(c.RemoteMultiaddr()); ok && !c.Stat().Limited && peeraddr.IsPublicIP(ip) {
			out = append(out, ip)
		}
	}
	return append(out, peeraddr.PublicIPs(book(p))...)
}

// Book returns the addresses of p in the host's address book; ok is false before the host is
// attached.
func (a *Addresses) Book(p peer.ID) (addrs []ma.Multiaddr, ok bool) {
	a.mu.Lock()
	book := a.sources.Book
	a.mu.Unlock()
	if book == nil {
		return nil, false
	}
	return book(p), true
}

// OnInternet reports whether p has any address on the internet, a relay's included.
func (a *Addresses) OnInternet(p peer.ID) bool {
	addrs, _ := a.Book(p)
	return slices.ContainsFunc(addrs, func(addr ma.Multiaddr) bool {
		first, _ := ma.SplitFunc(addr, func(c ma.Component) bool { return c.Code() == ma.P_P2P || c.Code() == ma.P_CIRCUIT })
		ip, ok := peeraddr.IP(first)
		return ok && peeraddr.IsPublicIP(ip)
	})
}

// Connected reports whether there is a direct connection to p.
func (a *Addresses) Connected(p peer.ID) bool {
	a.mu.Lock()
	conns := a.sources.Conns
	a.mu.Unlock()
	return conns != nil && slices.ContainsFunc(conns(p), func(c network.Conn) bool {
		return !peeraddr.IsRelay(c.RemoteMultiaddr()) && !c.IsClosed()
	})
}
