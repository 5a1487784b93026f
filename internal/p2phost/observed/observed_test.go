package observed

import (
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/peeraddr/addrtest"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		a, b []string
		want Relation
	}{
		{"nothing is known", nil, []string{"1.2.3.4"}, Unknown},
		{"one address", []string{"1.2.3.4"}, []string{"1.2.3.4"}, Same},
		{"two addresses", []string{"1.2.3.4"}, []string{"1.2.3.5"}, Apart},
		{"one /64", []string{"2a01:7e0::1"}, []string{"2a01:7e0::2"}, Same},
		{"two /64", []string{"2a01:7e0::1"}, []string{"2a01:7e0:0:1::2"}, Apart},
		{"two families", []string{"1.2.3.4"}, []string{"2a01:7e0::1"}, Unknown},
		{"one of several", []string{"1.2.3.4", "2a01:7e0::1"}, []string{"1.2.3.5", "2a01:7e0::9"}, Same},
	} {
		if got := Compare(ips(c.a), ips(c.b)); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// What bootstrap peers see counts more than what others do, who are asked only when nothing else is
// known.
func TestIPs(t *testing.T) {
	t.Parallel()
	const boot, other = peer.ID("boot"), peer.ID("other")
	o := NewFrom([]peer.AddrInfo{{ID: boot}}, Sources{Interfaces: func() ([]net.Addr, error) { return nil, nil }})
	o.Observe("1", other, addrtest.Parse(t, "/ip4/1.2.3.4/tcp/1")[0], nil)
	if got := o.IPs(); !slices.Equal(got, ips([]string{"1.2.3.4"})) {
		t.Errorf("seen by others only: %v", got)
	}
	<-o.Changed()
	o.Observe("2", boot, addrtest.Parse(t, "/ip4/1.2.3.5/tcp/1")[0], nil)
	if got := o.IPs(); !slices.Equal(got, ips([]string{"1.2.3.5"})) {
		t.Errorf("seen by a bootstrap peer: %v", got)
	}
	<-o.Changed()
}

// A claim is remembered with the failure to dial the peer locally, and only so many are.
func TestClaims(t *testing.T) {
	t.Parallel()
	o := NewFrom(nil, Sources{
		Conns: func(peer.ID) []network.Conn { return nil },
		Book:  func(peer.ID) []ma.Multiaddr { return addrtest.Parse(t, "/ip4/1.2.3.9/tcp/1") },
	})
	o.Miss("a") // nothing to remember it with
	o.Claim("a", addrtest.Parse(t, "/ip4/1.2.3.4/tcp/1", "/ip4/10.0.0.1/tcp/1"))
	if o.Missed("a") {
		t.Error("missed before it was dialed")
	}
	o.Miss("a")
	o.Claim("a", addrtest.Parse(t, "/ip4/1.2.3.5/tcp/1"))
	if !o.Missed("a") {
		t.Error("a new claim forgets that the peer couldn't be dialed")
	}
	if got := o.IPsOf("a"); !slices.Equal(got, ips([]string{"1.2.3.5", "1.2.3.9"})) {
		t.Errorf("%v", got)
	}
	for i := range 2 * maxClaims {
		o.Claim(peer.ID(rune('A'+i)), nil)
	}
	if len(o.claims) > maxClaims {
		t.Errorf("%d claims are remembered", len(o.claims))
	}
}

func ips(ss []string) (out []netip.Addr) {
	for _, s := range ss {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}
