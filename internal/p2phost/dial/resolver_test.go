package dial

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/peeraddr/addrtest"
)

// fakeNames is a name server: slow ones never answer, known ones do, all others don't exist.
type fakeNames struct {
	known map[string]string
	slow  map[string]time.Duration // how long an answer takes; 0 for ever
	asked atomic.Int32
}

// ignore is told what given names lead to.
func ignore(string, []ma.Multiaddr) {}

var errNoSuchName = errors.New("no such name")

func (f *fakeNames) ResolveDNSComponent(ctx context.Context, maddr ma.Multiaddr, _ int) ([]ma.Multiaddr, error) {
	f.asked.Add(1)
	name := maddr[0].Value()
	if d, ok := f.slow[name]; ok {
		var answer <-chan time.Time
		if d > 0 {
			answer = time.After(d)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-answer:
		}
	}
	ip, ok := f.known[name]
	if !ok {
		return nil, errNoSuchName
	}
	a, err := ma.NewMultiaddr("/ip4/" + ip)
	return []ma.Multiaddr{a.Encapsulate(maddr[1:])}, err
}

func (f *fakeNames) ResolveDNSAddr(ctx context.Context, _ peer.ID, maddr ma.Multiaddr, _, most int) ([]ma.Multiaddr, error) {
	return f.ResolveDNSComponent(ctx, maddr, most)
}

func TestNames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &fakeNames{
			known: map[string]string{"first.example": "192.0.2.1", "late.example": "192.0.2.2", "boot.example": "192.0.2.3"},
			slow:  map[string]time.Duration{"late.example": 5 * time.Second, "boot.example": 8 * time.Second, "dead.example": 0},
		}
		n := NewResolver(server, []peer.AddrInfo{{Addrs: addrtest.Parse(t, "/dns4/boot.example/tcp/4700")}}, ignore)
		resolve := func(addr, want string, within time.Duration) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			began := time.Now()
			got, err := n.ResolveDNSComponent(ctx, addrtest.Parse(t, addr)[0], 10)
			if want == "" && (err == nil || len(got) > 0) || want != "" && !slices.EqualFunc(got, addrtest.Parse(t, want), ma.Multiaddr.Equal) {
				t.Errorf("%s: %v, %v, want %q", addr, got, err, want)
			}
			if took := time.Since(began); took > within {
				t.Errorf("%s took %v, want %v at most", addr, took, within)
			}
		}
		resolve("/dns4/first.example/tcp/1", "/ip4/192.0.2.1/tcp/1", 0)
		resolve("/dns4/first.example/udp/2/quic-v1", "/ip4/192.0.2.1/udp/2/quic-v1", 0)
		resolve("/dns4/none.example/tcp/1", "", 0)
		if got := server.asked.Load(); got != 2 {
			t.Errorf("asked %d times for two names", got)
		}
		resolve("/dns4/late.example/tcp/1", "", nameTimeout) // passed over
		time.Sleep(5 * time.Second)                          // of the bubble's clock
		resolve("/dns4/late.example/tcp/1", "/ip4/192.0.2.2/tcp/1", 0)
		// the user's word is waited for
		resolve("/dns4/boot.example/tcp/4700", "/ip4/192.0.2.3/tcp/4700", 8*time.Second)

		resolve("/dns4/dead.example/tcp/1", "", nameTimeout)
		time.Sleep(resolutionTimeout)
		resolve("/dns4/dead.example/tcp/1", "", 0) // known not to answer, for a while
		time.Sleep(outcomeFor)
		resolve("/dns4/dead.example/tcp/1", "", nameTimeout)
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestNamesAreBounded(t *testing.T) {
	t.Parallel()
	n := NewResolver(&fakeNames{}, nil, ignore)
	for i := range maxNames + 10 {
		a, err := ma.NewComponent("dns4", "n"+string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676))+".example")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.ResolveDNSComponent(t.Context(), ma.Multiaddr{*a}, 10); !errors.Is(err, errNoSuchName) {
			t.Fatal(err)
		}
	}
	if len(n.known) > maxNames {
		t.Errorf("%d outcomes are kept", len(n.known))
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

// families answers as a network with IPv6 only, NAT64 and DNS64 does: every name has IPv6
// addresses.
type families struct{ fakeNames }

func (f *families) ResolveDNSComponent(_ context.Context, maddr ma.Multiaddr, _ int) ([]ma.Multiaddr, error) {
	var out []ma.Multiaddr
	if maddr[0].Code() != ma.P_DNS6 {
		out = append(out, ma.StringCast("/ip4/192.0.2.7"))
	}
	if maddr[0].Code() != ma.P_DNS4 {
		out = append(out, ma.StringCast("/ip6/64:ff9b::c000:207"))
	}
	return out, nil
}

// Without IPv4 a /dns4 name leads to the IPv6 addresses that DNS64 gives it.
func TestDNS4WithoutIPv4(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		ipv4 bool
		want []string
	}{
		{"/dns4/ring.example/tcp/1", true, []string{"/ip4/192.0.2.7/tcp/1"}},
		{"/dns4/ring.example/tcp/1", false, []string{"/ip4/192.0.2.7/tcp/1", "/ip6/64:ff9b::c000:207/tcp/1"}},
		{"/dns4/ring.example/udp/1/quic-v1", false, []string{"/ip4/192.0.2.7/udp/1/quic-v1", "/ip6/64:ff9b::c000:207/udp/1/quic-v1"}},
		{"/dns6/ring.example/tcp/1", false, []string{"/ip6/64:ff9b::c000:207/tcp/1"}},
		{"/dns/ring.example/tcp/1", true, []string{"/ip4/192.0.2.7/tcp/1", "/ip6/64:ff9b::c000:207/tcp/1"}},
	} {
		n := NewResolver(&families{}, nil, ignore)
		n.ipv4 = func() bool { return c.ipv4 }
		got, err := n.ResolveDNSComponent(t.Context(), addrtest.Parse(t, c.name)[0], 10)
		if err != nil || !slices.EqualFunc(got, addrtest.Parse(t, c.want...), ma.Multiaddr.Equal) {
			t.Errorf("%s, IPv4 %v: %v, %v, want %v", c.name, c.ipv4, got, err, c.want)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
}
