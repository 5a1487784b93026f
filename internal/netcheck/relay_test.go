package netcheck

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/internal/p2phost/relays"
)

// A relayed connection is one, names its relay, and answers pings; a slot tells its limits.
func TestRelayedPath(t *testing.T) {
	t.Parallel()
	relay, a, b := testHost(t, p2phost.Bootstrap), testHost(t, p2phost.Peer), testHost(t, p2phost.Client)
	connect(t, a, relay)
	connect(t, b, relay)
	slot := reserve(t.Context(), a, relay.ID(), false)
	limits := relays.DefaultLimits()
	if !slot.Held || slot.Error != "" || slot.LimitBytes != limits.DataBytes || slot.LimitSeconds != int64(limits.Duration.Seconds()) || slot.Expires == nil {
		t.Fatalf("the slot: %+v", slot)
	}
	through := ma.StringCast("/p2p/" + relay.ID().String() + "/p2p-circuit")
	ctx := network.WithAllowLimitedConn(t.Context(), "test")
	if err := b.Connect(ctx, peer.AddrInfo{ID: a.ID(), Addrs: []ma.Multiaddr{relay.Addrs()[0].Encapsulate(through)}}); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[host.Host]host.Host{a: b, b: a} {
		w, ok := connpath.To(from, to.ID())
		if want := (connpath.Path{Kind: connpath.Relayed, Relay: relay.ID(), Transport: connpath.TCP}); !ok || w != want {
			t.Errorf("the way is %+v, want %+v", w, want)
		}
		conn := from.Network().ConnsToPeer(to.ID())[0]
		if took, err := connpath.RoundTrip(t.Context(), conn); err != nil || took <= 0 {
			t.Errorf("a ping over it took %v: %v", took, err)
		}
	}
	if w, ok := connpath.To(a, relay.ID()); !ok || w != (connpath.Path{Kind: connpath.Direct, Transport: connpath.TCP}) {
		t.Errorf("the way to the relay is %+v", w)
	}
	if refused := reserve(t.Context(), relay, a.ID(), false); refused.Held || refused.Error == "" {
		t.Errorf("a slot at a peer that is no relay: %+v", refused)
	}
}
