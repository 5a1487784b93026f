package dial

import (
	"net/netip"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/p2phost/observed"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// Rules keep a host from dialing private addresses of other people's networks. Such addresses are
// in everybody's records and mean something else in every network. A dial to one that isn't here
// goes out to the provider, who takes it for a scan. Rules are libp2p's ConnectionGater. They are
// safe for concurrent use.
type Rules struct {
	observed *observed.Addresses
	server   bool // no private address at all
	refused  func(peer.ID) bool
	listen   []ma.Multiaddr // the addresses on which the host listens

	mu    sync.Mutex
	given map[netip.Addr]bool // addresses of bootstrap peers, as the user wrote them down
	// what the names that the user wrote down lead to; empty before that is known
	names map[string][]netip.Addr
	relay bool // the user gave an address of a relay
}

var _ connmgr.ConnectionGater = (*Rules)(nil)

// NewRules returns the rules of a host that listens on these addresses, and whose user gave those
// of bootstrap peers. A server is dialed at no private address but those. Connections of peers that
// are refused are closed once it is known whose they are; nil: nobody is.
func NewRules(o *observed.Addresses, given []peer.AddrInfo, server bool, listen []ma.Multiaddr, refused func(peer.ID) bool) *Rules {
	r := &Rules{
		observed: o, server: server, listen: listen, refused: refused,
		given: make(map[netip.Addr]bool), names: make(map[string][]netip.Addr),
	}
	for _, b := range given {
		for _, a := range b.Addrs {
			if peeraddr.IsName(a) {
				r.names[a[0].Value()] = nil
			} else if ip, ok := peeraddr.IP(a); ok {
				r.given[ip] = true
			} else {
				r.relay = true
			}
		}
	}
	return r
}

// Resolved takes in what a name that the user gave leads to.
func (r *Rules) Resolved(name string, addrs []ma.Multiaddr) {
	var ips []netip.Addr
	var further []string // a /dnsaddr leads to names
	for _, a := range addrs {
		if ip, ok := peeraddr.IP(a); ok {
			ips = append(ips, ip)
		} else if peeraddr.IsName(a) {
			further = append(further, a[0].Value())
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(ips) > 0 || len(further) == 0 {
		r.names[name] = ips
	} else {
		delete(r.names, name)
	}
	for _, f := range further {
		if _, known := r.names[f]; !known && len(r.names) < maxNames {
			r.names[f] = nil
		}
	}
}

// isGiven reports whether the user gave ip as a bootstrap peer's, by number or by a name.
func (r *Rules) isGiven(ip netip.Addr) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.given[ip] {
		return true
	}
	for _, ips := range r.names {
		if slices.Contains(ips, ip) {
			return true
		}
	}
	return false
}

// onInternet reports whether a bootstrap peer that the user gave is on the internet, or may be
// because its name has not been resolved yet.
func (r *Rules) onInternet() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.relay {
		return true
	}
	for ip := range r.given {
		if peeraddr.IsPublicIP(ip) {
			return true
		}
	}
	for _, ips := range r.names {
		if len(ips) == 0 || slices.ContainsFunc(ips, peeraddr.IsPublicIP) {
			return true
		}
	}
	return false
}

// InterceptAddrDial reports whether p may be dialed at a.
func (r *Rules) InterceptAddrDial(p peer.ID, a ma.Multiaddr) bool {
	ip, ok := peeraddr.IP(a)
	if !ok || peeraddr.IsPublicIP(ip) {
		return true // a relay's is dialed as the relay's own; a name has become addresses before
	}
	if r.observed.IsBootstrap(p) && r.isGiven(ip) {
		return true
	}
	theirs := r.observed.IPsOf(p)
	mine := r.observed.IPs()
	if ip.IsLoopback() {
		return r.sameMachine(p)
	}
	if r.server {
		return false
	}
	switch observed.Compare(mine, theirs) {
	case observed.Same:
		return true
	case observed.Apart:
		return false
	case observed.Unknown:
	}
	for _, net := range r.observed.Interfaces() {
		if net.Masked().Contains(ip) {
			return true
		}
	}
	// A network without internet may have several parts: nothing in it tells one from the other.
	return !r.onInternet() && len(mine) == 0 && len(theirs) == 0 && !r.observed.OnInternet(p)
}

// sameMachine reports whether p may be on this machine: it has one of this machine's addresses, or
// none but loopback. A name says nothing of that before it is resolved.
func (r *Rules) sameMachine(p peer.ID) bool {
	if peeraddr.LoopbackOnly(r.listen) {
		return true
	}
	addrs, ok := r.observed.Book(p)
	if !ok {
		return true
	}
	var elsewhere bool
	own := r.observed.Interfaces()
	for _, a := range addrs {
		ip, ok := peeraddr.IP(a)
		if ok && ip.IsLoopback() {
			continue
		}
		if ok && slices.ContainsFunc(own, func(n netip.Prefix) bool { return n.Addr() == ip }) {
			return true
		}
		elsewhere = elsewhere || !peeraddr.IsName(a)
	}
	return !elsewhere
}

// InterceptPeerDial lets every peer be dialed that isn't refused.
func (r *Rules) InterceptPeerDial(p peer.ID) bool { return !r.isRefused(p) }

func (r *Rules) isRefused(p peer.ID) bool { return r.refused != nil && r.refused(p) }

// InterceptAccept lets every connection in, wherever it comes from.
func (*Rules) InterceptAccept(network.ConnMultiaddrs) bool { return true }

// InterceptSecured lets every peer in that isn't refused.
func (r *Rules) InterceptSecured(_ network.Direction, p peer.ID, _ network.ConnMultiaddrs) bool {
	return !r.isRefused(p)
}

// InterceptUpgraded lets every connection be used.
func (*Rules) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
