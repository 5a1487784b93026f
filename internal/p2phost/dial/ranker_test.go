package dial

import (
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/peeraddr/addrtest"
)

func TestRank(t *testing.T) {
	t.Parallel()
	const relayed = "/ip4/198.51.99.1/tcp/1/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA/p2p-circuit"
	const (
		alive    = "12D3KooWEr8pF6VEjaM7iDS8hUx3v9cvmw3fkx4N8Fm3qsbJenLz"
		relayed2 = "/ip4/198.51.99.2/tcp/1/p2p/" + alive + "/p2p-circuit"
		relayed3 = "/ip4/198.51.99.2/udp/1/quic-v1/p2p/" + alive + "/p2p-circuit"
	)
	ms := time.Millisecond
	for _, c := range []struct {
		name string
		in   []string
		want map[string]time.Duration
	}{
		{"none", nil, map[string]time.Duration{}},
		{"this machine: TCP first", []string{"/ip4/127.0.0.1/udp/1/quic-v1", "/ip4/127.0.0.1/tcp/1"}, map[string]time.Duration{
			"/ip4/127.0.0.1/tcp/1": 0, "/ip4/127.0.0.1/udp/1/quic-v1": 30 * ms,
		}},
		{"only QUIC: at once", []string{"/ip4/10.0.0.1/udp/1/quic-v1"}, map[string]time.Duration{"/ip4/10.0.0.1/udp/1/quic-v1": 0}},
		{"public: QUIC first", []string{"/ip4/1.2.3.4/tcp/1", "/ip4/1.2.3.4/udp/1/quic-v1"}, map[string]time.Duration{
			"/ip4/1.2.3.4/udp/1/quic-v1": 0, "/ip4/1.2.3.4/tcp/1": 250 * ms,
		}},
		{"relays wait for local addresses too", []string{relayed, "/ip4/192.168.1.1/tcp/1"}, map[string]time.Duration{
			"/ip4/192.168.1.1/tcp/1": 0, relayed: 500 * ms,
		}},
		{"only a relay: at once", []string{relayed}, map[string]time.Duration{relayed: 0}},
		{"a connected relay first", []string{relayed, relayed2, relayed3}, map[string]time.Duration{
			relayed2: 0, relayed3: 500 * ms, relayed: 750 * ms,
		}},
		{"WebSocket is not bulk", []string{"/ip4/10.0.0.1/tcp/1/ws", "/ip4/10.0.0.1/tcp/1"}, map[string]time.Duration{
			"/ip4/10.0.0.1/tcp/1": 0, "/ip4/10.0.0.1/tcp/1/ws": 30 * ms,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := Rank(addrtest.Parse(t, c.in...), func(id peer.ID) bool { return id.String() == alive })
			if len(got) != len(c.want) {
				t.Fatalf("%d dials, want %d", len(got), len(c.want))
			}
			for _, d := range got {
				if want, ok := c.want[d.Addr.String()]; !ok || want != d.Delay {
					t.Errorf("%s after %s, want %s (%v)", d.Addr, d.Delay, want, ok)
				}
			}
		})
	}
}
