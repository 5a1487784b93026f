package node

import (
	"slices"
	"testing"
)

func TestIPv6OnlyIsTold(t *testing.T) {
	t.Parallel()
	check := func(addr string, connected bool) facts {
		return facts{noIPv4: true, Netcheck: Netcheck{
			Machine: []string{"2a01:7e0::1"}, Bootstrap: []BootstrapCheck{{Addr: addr, PeerID: "p", Connected: connected}},
		}}
	}
	for _, c := range []struct {
		addr      string
		connected bool
		want      []string
	}{
		{"/dns4/ring.example/tcp/1", true, []string{"note dns4_over_ipv6"}},
		{"/dns4/ring.example/tcp/1", false, []string{"fault dns4_over_ipv6"}},
		{"/ip4/192.0.2.1/tcp/1", false, []string{"fault ipv4_over_ipv6"}},
		{"/dns/ring.example/tcp/1", false, nil},
		{"/ip6/2a01:7e0::2/tcp/1", false, nil},
	} {
		f := check(c.addr, c.connected)
		var got []string
		for _, p := range ipv6Only(f) {
			got = append(got, p.Severity+" "+p.Code)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s, connected %v: %v, want %v", c.addr, c.connected, got, c.want)
		}
		if f.noIPv4 = false; len(ipv6Only(f)) > 0 {
			t.Errorf("%s: told on a machine with IPv4", c.addr)
		}
	}
}
