package p2phost

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestRankDials(t *testing.T) {
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
			got := rankDials(addrs(t, c.in...), func(id peer.ID) bool { return id.String() == alive })
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

func TestWithSiblings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		in, want []string
	}{
		{"QUIC seen, TCP guessed", []string{"/ip4/1.2.3.4/udp/999/quic-v1"}, []string{
			"/ip4/1.2.3.4/udp/999/quic-v1", "/ip4/1.2.3.4/tcp/5", "/ip4/1.2.3.4/udp/6/quic-v1",
		}},
		{"private stays alone", []string{"/ip4/10.0.0.1/tcp/5"}, []string{"/ip4/10.0.0.1/tcp/5"}},
		{"known already", []string{"/ip4/1.2.3.4/tcp/5", "/ip4/1.2.3.4/udp/6/quic-v1"}, []string{
			"/ip4/1.2.3.4/tcp/5", "/ip4/1.2.3.4/udp/6/quic-v1",
		}},
		{"a name is no address", []string{"/dns4/a.example.org/tcp/5"}, []string{"/dns4/a.example.org/tcp/5"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, a := range withSiblings(addrs(t, c.in...), 5, 6) {
				got = append(got, a.String())
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestRelayLimits(t *testing.T) {
	t.Parallel()
	got := RelayLimits{Reservations: 7}.withDefaults()
	want := DefaultRelayLimits()
	want.Reservations = 7
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if r := got.resources(); r.Limit == nil || r.Limit.Data == 0 || r.MaxReservations != 7 {
		t.Errorf("%+v: a circuit must stay limited", r)
	}
}

func TestIdentityIsKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data", "identity")
	a, err := LoadOrCreateIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := LoadOrCreateIdentity(path)
	if err != nil || !a.Equals(b) {
		t.Errorf("another identity at the second start (%v)", err)
	}
	if st, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: want 0600", st.Mode(), err)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("%v, %v: want the identity alone", files, err)
	}
	for _, bad := range [][]byte{nil, []byte("not a key"), make([]byte, maxIdentity+1)} {
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadOrCreateIdentity(path); err == nil {
			t.Errorf("%d bytes that are no key are an identity", len(bad))
		}
		if left, err := os.ReadFile(path); err != nil || len(left) != len(bad) {
			t.Errorf("the bad file was changed")
		}
	}
}
