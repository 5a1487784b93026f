package p2phost

import (
	"net"
	"net/netip"
	"testing"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/p2phost/observed"
)

// reached says which addresses others have confirmed.
type reached []ma.Multiaddr

func (r reached) ConfirmedAddrs() (reachable, unreachable, unknown []ma.Multiaddr) {
	return r, nil, nil
}

func TestOnlyTestedAddressesAreAdvertised(t *testing.T) {
	t.Parallel()
	all := addrs(t, "/ip4/1.2.3.11/tcp/4701", "/ip4/192.168.1.7/tcp/4701", "/ip4/127.0.0.1/tcp/4701", "/ip4/5.6.7.8/tcp/4701")
	o := observed.NewFrom(nil, observed.Sources{Interfaces: func() (out []net.Addr, err error) {
		for _, i := range []string{"127.0.0.1/8", "192.168.1.7/24", "5.6.7.8/24"} {
			p := netip.MustParsePrefix(i)
			out = append(out, &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 32)})
		}
		return out, nil
	}})
	f := &advertised{announce: addrs(t, "/dns4/me.example.org/tcp/1"), observed: o}
	for _, c := range []struct {
		name      string
		confirmed []ma.Multiaddr
		server    bool
		want      []string
	}{
		{"observed only", nil, false, []string{"/dns4/me.example.org/tcp/1", "/ip4/5.6.7.8/tcp/4701", "/ip4/192.168.1.7/tcp/4701", "/ip4/127.0.0.1/tcp/4701"}},
		{"reached", all[:1], false, []string{"/dns4/me.example.org/tcp/1", "/ip4/1.2.3.11/tcp/4701", "/ip4/5.6.7.8/tcp/4701", "/ip4/192.168.1.7/tcp/4701", "/ip4/127.0.0.1/tcp/4701"}},
		{"a server", all[:1], true, []string{"/dns4/me.example.org/tcp/1", "/ip4/1.2.3.11/tcp/4701", "/ip4/5.6.7.8/tcp/4701"}},
	} {
		f.attach(reached(c.confirmed))
		f.server = c.server
		got := f.addrs(all)
		if want := ma.Unique(addrs(t, c.want...)); len(got) != len(want) || !sameAddrs(got, want) {
			t.Errorf("%s: %s, want %s", c.name, got, want)
		}
	}
	alone := &advertised{observed: o, server: true}
	if got := alone.addrs(all[1:2]); len(got) != 1 {
		t.Errorf("a server with a private address only tells %s, want that", got)
	}
}

func sameAddrs(a, b []ma.Multiaddr) bool {
	for _, x := range a {
		if !ma.Contains(b, x) {
			return false
		}
	}
	return len(a) == len(b)
}
