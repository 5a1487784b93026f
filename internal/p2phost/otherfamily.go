package p2phost

import (
	"context"
	"slices"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/p2phost/hostevents"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// followSlots keeps f's list of the addresses at which relays hold slots for h, until ctx ends.
func (f *advertised) followSlots(ctx context.Context, h host.Host) (wait func(), err error) {
	return hostevents.Follow(ctx, h, "slots", func(e event.EvtAutoRelayAddrsUpdated) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.slots = slices.Clone(e.RelayAddrs)
	})
}

// otherFamily returns those of slots that lead to a host for peers that lack the one protocol, IPv4
// or IPv6, of its public addresses in advertised. libp2p leaves the relays' addresses out as soon
// as one of a host's own is reached, so a peer that has only the other protocol would find no path.
// It returns none when advertised has both protocols, or neither.
func otherFamily(advertised, slots []ma.Multiaddr) []ma.Multiaddr {
	var four, six bool
	for _, a := range advertised {
		if peeraddr.IsRelay(a) || len(a) == 0 {
			continue
		}
		switch a[0].Code() {
		case ma.P_DNS, ma.P_DNSADDR:
			four, six = true, true
		case ma.P_DNS4:
			four = true
		case ma.P_DNS6:
			six = true
		default:
			if ip, ok := peeraddr.IP(a); ok && peeraddr.IsPublicIP(ip) {
				four, six = four || ip.Is4(), six || ip.Is6()
			}
		}
	}
	if four == six {
		return nil
	}
	wanted := ma.P_IP4
	if four {
		wanted = ma.P_IP6
	}
	return slices.DeleteFunc(slices.Clone(slots), func(a ma.Multiaddr) bool { return len(a) == 0 || a[0].Code() != wanted })
}
