package p2phost

import (
	"net/netip"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// dialRules keeps a host from dialing private addresses of other people's networks: they are in
// everybody's records, mean something else in every network, and a dial to one that isn't here goes out to the
// provider, who takes it for a scan.
type dialRules struct {
	outside *outside
	server  bool                  // no private address at all
	own     func() []ma.Multiaddr // the addresses on which the host listens

	mu    sync.Mutex
	given map[netip.Addr]bool     // addresses of bootstrap peers, as the user wrote them down
	names map[string][]netip.Addr // what the names that the user wrote down lead to; empty before that is known
	relay bool                    // the user gave an address of a relay
}

var _ connmgr.ConnectionGater = (*dialRules)(nil)

func newDialRules(cfg Config, o *outside, listen []ma.Multiaddr) *dialRules {
	r := &dialRules{
		outside: o, server: cfg.Server, own: func() []ma.Multiaddr { return listen },
		given: make(map[netip.Addr]bool), names: make(map[string][]netip.Addr),
	}
	for _, b := range cfg.given() {
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

// resolved takes in what a name that the user gave leads to.
func (r *dialRules) resolved(name string, addrs []ma.Multiaddr) {
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
func (r *dialRules) isGiven(ip netip.Addr) bool {
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

// onInternet reports whether a bootstrap peer that the user gave is on the internet, or may be, as long as its name has not been
// resolved.
func (r *dialRules) onInternet() bool {
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
func (r *dialRules) InterceptAddrDial(p peer.ID, a ma.Multiaddr) bool {
	ip, ok := peeraddr.IP(a)
	if !ok || peeraddr.IsPublicIP(ip) {
		return true // a relay's is dialed as the relay's own; a name has become addresses before
	}
	if r.outside.relays[p] && r.isGiven(ip) {
		return true
	}
	theirs := r.outside.ipsOf(p)
	mine := r.outside.ips()
	if ip.IsLoopback() {
		return r.sameMachine(p)
	}
	if r.server {
		return false
	}
	switch together(mine, theirs) {
	case same:
		return true
	case apart:
		return false
	case unknown:
	}
	for _, net := range r.outside.interfaces() {
		if net.Masked().Contains(ip) {
			return true
		}
	}
	// A network without internet may have several parts: nothing in it tells one from the other.
	return !r.onInternet() && len(mine) == 0 && len(theirs) == 0 && !r.outside.knownAbroad(p)
}

// sameMachine reports whether p may be on this machine: it has one of this machine's addresses, or none but loopback.
// A name says nothing of that before it is resolved.
func (r *dialRules) sameMachine(p peer.ID) bool {
	if peeraddr.LoopbackOnly(r.own()) {
		return true
	}
	r.outside.mu.Lock()
	book := r.outside.book
	r.outside.mu.Unlock()
	if book == nil {
		return true
	}
	var elsewhere bool
	own := r.outside.interfaces()
	for _, a := range book(p) {
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

// knownAbroad reports whether p has any address on the internet, a relay's too.
func (o *outside) knownAbroad(p peer.ID) bool {
	o.mu.Lock()
	book := o.book
	o.mu.Unlock()
	if book == nil {
		return false
	}
	return slices.ContainsFunc(book(p), func(a ma.Multiaddr) bool {
		first, _ := ma.SplitFunc(a, func(c ma.Component) bool { return c.Code() == ma.P_P2P || c.Code() == ma.P_CIRCUIT })
		ip, ok := peeraddr.IP(first)
		return ok && peeraddr.IsPublicIP(ip)
	})
}

// What two lists of public addresses say about two hosts.
type relation int

const (
	unknown relation = iota
	same             // behind one router
	apart            // behind different ones
)

// together compares the public addresses of two hosts: IPv4 by address, as a NAT has one, IPv6 by its /64.
func together(a, b []netip.Addr) relation {
	result := unknown
	for _, x := range a {
		for _, y := range b {
			switch {
			case x.Is4() != y.Is4():
			case network64(x) == network64(y):
				return same
			default:
				result = apart
			}
		}
	}
	return result
}

func network64(ip netip.Addr) netip.Prefix {
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	p, _ := ip.Prefix(bits) // it fails only for lengths that don't fit
	return p
}

// InterceptPeerDial lets every peer be dialed.
func (*dialRules) InterceptPeerDial(peer.ID) bool { return true }

// InterceptAccept lets everybody in: from where doesn't matter.
func (*dialRules) InterceptAccept(network.ConnMultiaddrs) bool { return true }

// InterceptSecured lets every peer in.
func (*dialRules) InterceptSecured(network.Direction, peer.ID, network.ConnMultiaddrs) bool {
	return true
}

// InterceptUpgraded lets every connection be used.
func (*dialRules) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
