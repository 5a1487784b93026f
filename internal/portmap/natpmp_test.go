package portmap

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"testing"

	natpmp "github.com/jackpal/go-nat-pmp"
	"github.com/libp2p/go-libp2p"
	ma "github.com/multiformats/go-multiaddr"
)

// pmpRouter answers NAT-PMP on a loopback address of its own, as 1.2.3.4, and opens the port after
// the one asked for; a port that is denied it does not open.
func pmpRouter(t *testing.T, ip net.IP, denied int) {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: ip, Port: 5351})
	if err != nil {
		t.Skipf("no address of its own for a router on this machine: %v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	go func() {
		for b := make([]byte, 64); ; {
			n, from, err := c.ReadFromUDP(b)
			if err != nil {
				return
			}
			answer := make([]byte, 16)
			answer[1] = b[1] | 128
			if n == 2 { // the outside address
				answer = append(answer[:8], 1, 2, 3, 4)
			} else {
				inside := binary.BigEndian.Uint16(b[4:])
				if int(inside) == denied {
					answer[3] = 2 // not authorized
				}
				binary.BigEndian.PutUint16(answer[8:], inside)
				binary.BigEndian.PutUint16(answer[10:], inside+1)
				copy(answer[12:], b[8:12])
			}
			_, _ = c.WriteToUDP(answer, from) // the client asks again
		}
	}()
}

func TestPortsAreOpenedByNATPMP(t *testing.T) {
	t.Parallel()
	router := net.IPv4(127, 53, 51, 1)
	same := func(p Port) int { return p.Number }
	pmpRouter(t, router, 7)
	got, err := openByNATPMP(natpmp.NewClientWithTimeout(router, natpmpTimeout), []Port{{"tcp", 4701}, {"udp", 4701}, {"tcp", 7}}, same)
	if err != nil {
		t.Fatal(err)
	}
	outside := netip.MustParseAddrPort("1.2.3.4:4702")
	if len(got) != 2 || got[Port{"tcp", 4701}] != outside || got[Port{"udp", 4701}] != outside {
		t.Errorf("opened %v", got)
	}
	m := &Mapper{byNATPMP: got}
	for listen, want := range map[string]string{
		"/ip4/0.0.0.0/tcp/4701":         "/ip4/1.2.3.4/tcp/4702",
		"/ip4/0.0.0.0/udp/4701/quic-v1": "/ip4/1.2.3.4/udp/4702/quic-v1",
		"/ip4/10.0.0.1/tcp/4701/ws":     "/ip4/1.2.3.4/tcp/4702/ws",
	} {
		if a := m.GetMapping(ma.StringCast(listen)); a == nil || a.String() != want {
			t.Errorf("%s is mapped to %v, want %s", listen, a, want)
		}
	}
	if _, err := openByNATPMP(natpmp.NewClientWithTimeout(net.IPv4(127, 53, 51, 2), natpmpTimeout/8), nil, same); err == nil {
		t.Error("a router that says nothing has opened ports")
	}
}

func TestMappable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"/ip4/0.0.0.0/tcp/4701": true, "/ip4/192.168.0.5/udp/4701/quic-v1": true,
		"/ip4/127.0.0.1/tcp/4701": false, "/ip6/::/tcp/4701": false, "/ip4/169.254.1.1/tcp/1": false, "/p2p-circuit": false,
	} {
		if _, got := mappable(ma.StringCast(text)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	m := New(h.Network(), nil)
	defer func() { _ = m.Close() }()
	if w := m.wanted(); !slices.Equal(w, nil) {
		t.Errorf("a host on loopback wants %v", w)
	}
}
