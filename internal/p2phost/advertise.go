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
// exists because libp2p also advertises such an address untested. advertised prevents that.
var observeEarly = sync.OnceFunc(func() { observedaddrs.ActivationThresh = 1 })

// advertised chooses which of its addresses a host advertises. It is libp2p's AddrsFactory.
type advertised struct {
	announce []ma.Multiaddr
	observed *observed.Addresses
	server   bool
	// mapped returns the addresses at which the router lets others in, which are advertised before
	// anybody has confirmed them. Only a bootstrap peer has it, because nobody can confirm an
	// address that nobody is given.
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

// addrs returns which of all are advertised. It leaves out public addresses that are not this
// machine's own and that nobody has confirmed yet, and for a server those of local networks, unless
// it has no others. It adds those through relays that otherFamily returns.
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
