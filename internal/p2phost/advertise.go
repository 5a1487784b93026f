package p2phost

import (
	"net/netip"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/p2p/host/observedaddrs"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/p2phost/observed"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// confirmer is a host that knows which of its addresses others have reached.
type confirmer interface {
	ConfirmedAddrs() (reachable, unreachable, unknown []ma.Multiaddr)
}

// observeEarly makes libp2p test an address for reachability (AutoNAT v2) that a single peer has
// observed. Its own threshold is four observers, which a ring of two to five peers never has; it
// exists because libp2p also advertises such an address untested. advertised sees to it that this
// doesn't happen.
var observeEarly = sync.OnceFunc(func() { observedaddrs.ActivationThresh = 1 })

// advertised chooses what a host tells others of its addresses (libp2p's AddrsFactory).
type advertised struct {
	announce []ma.Multiaddr
	observed *observed.Addresses
	server   bool
	// mapped are the addresses at which the router lets others in, which are told before anybody
	// has confirmed them. A bootstrap peer has them: nobody can confirm an address that nobody is
	// given. Nil for others.
	mapped func() []ma.Multiaddr

	mu    sync.Mutex
	host  confirmer      // nil until the host is there
	slots []ma.Multiaddr // at relays
}

func (f *advertised) attach(c confirmer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.host = c
}

// addrs leaves out public addresses that are not this machine's own and that nobody has confirmed
// yet, and those of local networks for a server, unless it has no others. It adds relays' where
// otherFamily says so.
func (f *advertised) addrs(all []ma.Multiaddr) []ma.Multiaddr {
	f.mu.Lock()
	host, slots := f.host, f.slots
	f.mu.Unlock()
	var confirmed []ma.Multiaddr
	if host != nil {
		confirmed, _, _ = host.ConfirmedAddrs()
	}
	if f.mapped != nil {
		confirmed = append(slices.Clone(confirmed), f.mapped()...)
	}
	own := f.observed.Interfaces()
	out := slices.Clone(f.announce)
	var local []ma.Multiaddr
	for _, a := range all {
		ip, ok := peeraddr.IP(a)
		switch {
		case !ok:
			out = append(out, a)
		case !peeraddr.IsPublicIP(ip):
			local = append(local, a)
		case slices.ContainsFunc(own, func(n netip.Prefix) bool { return n.Addr() == ip }) || slices.ContainsFunc(confirmed, a.Equal):
			out = append(out, a)
		}
	}
	out = append(out, otherFamily(out, slots)...)
	if !f.server || len(out) == 0 {
		out = append(out, local...)
	}
	return bounded(ma.Unique(out))
}
