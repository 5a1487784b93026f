package netcheck

import (
	"net/netip"
	"testing"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/connpath"
)

func TestNATKind(t *testing.T) {
	t.Parallel()
	saw := func(at, from, as string) observation {
		return observation{transport: connpath.TCP, from: ma.StringCast(from), as: ma.StringCast(as), at: ma.StringCast(at)}
	}
	const here, behind = "/ip4/10.1.0.2/tcp/4701", "/ip4/1.2.3.11/tcp/"
	listen := []ma.Multiaddr{ma.StringCast("/ip4/0.0.0.0/tcp/4701"), ma.StringCast("/ip4/0.0.0.0/udp/4701/quic-v1")}
	own := []netip.Addr{netip.MustParseAddr("10.1.0.2")}
	for name, c := range map[string]struct {
		seen []observation
		own  []netip.Addr
		want string
	}{
		"nobody":                 {nil, own, NATUnknown},
		"one observer":           {[]observation{saw("/ip4/1.2.3.1/tcp/1", here, behind+"4701")}, own, NATUnknown},
		"one observer, twice":    {[]observation{saw("/ip4/1.2.3.1/tcp/1", here, behind+"7"), saw("/ip4/1.2.3.1/tcp/2", here, behind+"7")}, own, NATUnknown},
		"two agree":              {[]observation{saw("/ip4/1.2.3.1/tcp/1", here, behind+"7"), saw("/ip4/1.2.3.2/tcp/1", here, behind+"7")}, own, NATIndependent},
		"two differ":             {[]observation{saw("/ip4/1.2.3.1/tcp/1", here, behind+"7"), saw("/ip4/1.2.3.2/tcp/1", here, behind+"8")}, own, NATDependent},
		"of three one differs":   {[]observation{saw("/ip4/1.2.3.1/tcp/1", here, behind+"7"), saw("/ip4/1.2.3.2/tcp/1", here, behind+"8"), saw("/ip4/1.2.3.3/tcp/1", here, behind+"8")}, own, NATDependent},
		"another port here":      {[]observation{saw("/ip4/1.2.3.1/tcp/1", here, behind+"7"), saw("/ip4/1.2.3.2/tcp/1", "/ip4/10.1.0.2/tcp/50000", behind+"8")}, own, NATUnknown},
		"observers next door":    {[]observation{saw("/ip4/10.1.0.3/tcp/1", here, here), saw("/ip4/10.1.0.4/tcp/1", here, here)}, own, NATUnknown},
		"the address is its own": {[]observation{saw("/ip4/1.2.3.1/tcp/1", "/ip4/1.2.3.9/tcp/4701", "/ip4/1.2.3.9/tcp/4701")}, []netip.Addr{netip.MustParseAddr("1.2.3.9")}, NATNone},
	} {
		if got := natKind(c.seen, c.own, listen, connpath.TCP); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if got := natKind(c.seen, c.own, listen, connpath.QUIC); got != NATUnknown {
			t.Errorf("%s: of TCP's observations UDP is reported to be %s", name, got)
		}
	}
}
