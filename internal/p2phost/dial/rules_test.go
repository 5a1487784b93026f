package dial

import (
	"net"
	"net/netip"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/p2phost/observed"
	"github.com/p2pchord/p2pchord/internal/peeraddr/addrtest"
)

const (
	other = peer.ID("other")
	boot  = peer.ID("boot")
)

// scene is what a host knows when it decides whether to dial.
type scene struct {
	ifaces   []string // its own addresses, with their networks
	observed string   // what its bootstrap peer sees
	given    string   // the address of the bootstrap peer
	book     []string // what is known of the other peer
	server   bool
}

func (s scene) rules(t *testing.T) *Rules {
	t.Helper()
	var given []peer.AddrInfo
	if s.given != "" {
		given = []peer.AddrInfo{{ID: boot, Addrs: addrtest.Parse(t, s.given)}}
	}
	book := addrtest.Parse(t, s.book...)
	o := observed.NewFrom(given, observed.Sources{
		Interfaces: func() (out []net.Addr, err error) {
			for _, i := range s.ifaces {
				p := netip.MustParsePrefix(i)
				out = append(out, &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())})
			}
			return out, nil
		},
		Conns: func(peer.ID) []network.Conn { return nil },
		Book: func(p peer.ID) []ma.Multiaddr {
			if p == other {
				return book
			}
			return nil
		},
	})
	if s.observed != "" {
		o.Observe("1", boot, addrtest.Parse(t, s.observed)[0], nil)
	}
	return NewRules(o, given, s.server, addrtest.Parse(t, "/ip4/0.0.0.0/tcp/4701"), nil)
}

func TestDialRules(t *testing.T) {
	t.Parallel()
	const (
		relayed = "/ip4/1.2.3.1/tcp/4700/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA/p2p-circuit"
		named   = "/dns4/a.example.org/tcp/4700/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA/p2p-circuit"
		public  = "/ip4/1.2.3.1/tcp/4700"
	)
	home := scene{ifaces: []string{"127.0.0.1/8", "192.168.1.7/24"}, observed: "/ip4/1.2.3.11/udp/4701/quic-v1", given: public}
	for _, c := range []struct {
		name  string
		scene scene
		book  []string
		dial  string
		want  bool
	}{
		{"a public address", home, nil, "/ip4/1.2.3.50/tcp/1", true},
		{"a relay's", home, nil, relayed, true},
		{"a name", home, nil, "/dns4/a.example.org/tcp/1", true},
		{"another network's", home, []string{"/ip4/10.0.0.5/tcp/1", relayed}, "/ip4/10.0.0.5/tcp/1", false},
		{"in my network, nothing else known", home, []string{"/ip4/192.168.1.9/tcp/1", relayed}, "/ip4/192.168.1.9/tcp/1", true},
		{"like mine, but known to be elsewhere", home, []string{"/ip4/192.168.1.9/tcp/1", "/ip4/1.2.3.99/tcp/1"}, "/ip4/192.168.1.9/tcp/1", false},
		{"another part of my network", home, []string{"/ip4/10.0.0.5/tcp/1", "/ip4/1.2.3.11/tcp/9"}, "/ip4/10.0.0.5/tcp/1", true},
		{"loopback of somebody elsewhere", home, []string{"/ip4/127.0.0.1/tcp/1", relayed}, "/ip4/127.0.0.1/tcp/1", false},
		{"loopback of a neighbor on this machine", home, []string{"/ip4/127.0.0.1/tcp/1", "/ip4/192.168.1.7/tcp/1"}, "/ip4/127.0.0.1/tcp/1", true},
		{"loopback of somebody with a name", home, []string{"/ip4/127.0.0.1/tcp/1", "/dns4/a.example.org/tcp/1"}, "/ip4/127.0.0.1/tcp/1", true},
		{"loopback of somebody behind a relay that has a name", home, []string{"/ip4/127.0.0.1/tcp/1", named}, "/ip4/127.0.0.1/tcp/1", false},
		{"loopback is all there is", home, []string{"/ip4/127.0.0.1/tcp/1"}, "/ip4/127.0.0.1/tcp/1", true},
		{"another part of a network without internet", scene{ifaces: []string{"10.1.0.5/24"}, given: "/ip4/10.9.0.1/tcp/4700"}, []string{"/ip4/10.2.0.5/tcp/1"}, "/ip4/10.2.0.5/tcp/1", true},
		{"before it is known where one is", scene{ifaces: []string{"10.1.0.5/24"}, given: public}, []string{"/ip4/10.2.0.5/tcp/1"}, "/ip4/10.2.0.5/tcp/1", false},
		{"a peer remembered from the internet", scene{ifaces: []string{"10.1.0.5/24"}}, []string{"/ip4/10.2.0.5/tcp/1", relayed}, "/ip4/10.2.0.5/tcp/1", false},
		{"a server, in its own network", scene{ifaces: []string{"10.1.0.5/24"}, given: public, server: true}, nil, "/ip4/10.1.0.6/tcp/1", false},
		{"IPv6, one home", scene{ifaces: []string{"2a01:7e0::5/64", "fd00::5/64"}}, []string{"/ip6/fd00:1::6/tcp/1", "/ip6/2a01:7e0::6/tcp/1"}, "/ip6/fd00:1::6/tcp/1", true},
		{"IPv6, two homes", scene{ifaces: []string{"2a01:7e0::5/64", "fd00::5/64"}}, []string{"/ip6/fd00::6/tcp/1", "/ip6/2a01:7e0:0:1::6/tcp/1"}, "/ip6/fd00::6/tcp/1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.scene.book = c.book
			if got := c.scene.rules(t).InterceptAddrDial(other, addrtest.Parse(t, c.dial)[0]); got != c.want {
				t.Errorf("dialed: %v, want %v", got, c.want)
			}
		})
	}
	r := scene{ifaces: []string{"10.1.0.5/24"}, given: "/ip4/10.9.0.1/tcp/4700", server: true}.rules(t)
	if !r.InterceptAddrDial(boot, addrtest.Parse(t, "/ip4/10.9.0.1/tcp/4700")[0]) {
		t.Error("the bootstrap peer isn't dialed at the address that the user gave")
	}
	if r.InterceptAddrDial(boot, addrtest.Parse(t, "/ip4/172.17.0.1/tcp/4700")[0]) {
		t.Error("the bootstrap peer is dialed at another private address")
	}
}

// A name that the user gave stands for the addresses that it leads to.
func TestDialRulesForGivenNames(t *testing.T) {
	t.Parallel()
	const name, member = "/dns/ring.office.example/tcp/4700", "/ip4/10.2.0.5/tcp/1"
	office := scene{ifaces: []string{"192.168.1.7/24"}, given: name, book: []string{member}}
	for _, c := range []struct {
		name    string
		scene   scene
		leadsTo []string
		// whether the bootstrap peer is dialed at 10.9.0.1, and a member in another part of the
		// network
		boot, member bool
	}{
		{"not resolved yet", office, nil, false, false},
		{"a private address in another subnet", office, []string{"/ip4/10.9.0.1/tcp/4700"}, true, true},
		{"a public address too", office, []string{"/ip4/10.9.0.1/tcp/4700", "/ip4/1.2.3.1/tcp/4700"}, true, false},
		{"another address, in a network without internet", office, []string{"/ip4/10.9.0.2/tcp/4700"}, true, true},
		{"a server", scene{ifaces: office.ifaces, given: name, book: office.book, server: true}, []string{"/ip4/10.9.0.1/tcp/4700"}, true, false},
		{"a host on the internet", scene{ifaces: office.ifaces, given: name, book: office.book, observed: "/ip4/1.2.3.11/udp/4701/quic-v1"}, []string{"/ip4/10.9.0.1/tcp/4700"}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := c.scene.rules(t)
			if c.leadsTo != nil {
				r.Resolved("ring.office.example", addrtest.Parse(t, c.leadsTo...))
			}
			if got := r.InterceptAddrDial(boot, addrtest.Parse(t, "/ip4/10.9.0.1/tcp/4700")[0]); got != c.boot {
				t.Errorf("the bootstrap peer is dialed: %v, want %v", got, c.boot)
			}
			if got := r.InterceptAddrDial(other, addrtest.Parse(t, member)[0]); got != c.member {
				t.Errorf("a member is dialed: %v, want %v", got, c.member)
			}
		})
	}
	r := scene{ifaces: office.ifaces, given: "/dnsaddr/ring.office.example"}.rules(t)
	r.Resolved("ring.office.example", addrtest.Parse(t, "/dns4/a.office.example/tcp/4700"))
	if !r.onInternet() {
		t.Error("a name behind a /dnsaddr counts as private before it is resolved")
	}
	r.Resolved("a.office.example", addrtest.Parse(t, "/ip4/10.9.0.1/tcp/4700"))
	if r.onInternet() || !r.isGiven(netip.MustParseAddr("10.9.0.1")) {
		t.Error("a name behind a /dnsaddr isn't followed")
	}
}
