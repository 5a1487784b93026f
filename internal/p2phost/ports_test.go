package p2phost

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/libp2p/go-libp2p/core/host"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/p2phost/listen"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// startAgain starts a host with the port file of an earlier one, as a new run of the same peer
// does.
func startAgain(t *testing.T, file string, asked ...string) host.Host {
	t.Helper()
	h, err := New(Config{Key: newKey(t), Listen: addrs(t, asked...), PortFile: file})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() }) // again, for some
	return h
}

func sortedListening(h host.Host) []string {
	var out []string
	for _, a := range listening(h) {
		out = append(out, a.String())
	}
	slices.Sort(out)
	return out
}

func TestChosenPortsAreKept(t *testing.T) {
	t.Parallel()
	for name, asked := range map[string][]string{
		"TCP and QUIC":         {loopTCP, loopQUIC},
		"TCP":                  {loopTCP},
		"QUIC":                 {loopQUIC},
		"WebSocket beside TCP": {loopTCP, loopTCP + "/ws", loopQUIC},
		"two of TCP":           {loopTCP, "/ip4/127.0.0.2/tcp/0"},
		"the same twice":       {loopTCP, loopTCP},
		"IPv4 and IPv6":        {loopTCP, loopQUIC, "/ip6/::1/tcp/0", "/ip6/::1/udp/0/quic-v1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if slices.Contains(asked, "/ip6/::1/tcp/0") && !hasIPv6() {
				t.Skip("no IPv6 here")
			}
			file := filepath.Join(t.TempDir(), "ports.json")
			first := startAgain(t, file, asked...)
			want := sortedListening(first)
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			second := startAgain(t, file, asked...)
			if got := sortedListening(second); !slices.Equal(got, want) {
				t.Errorf("the second start listens on %s, the first on %s", got, want)
			}
		})
	}
}

// hasIPv6 reports whether this machine has IPv6's loopback address.
func hasIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0") //nolint:noctx // open for a moment
	if err == nil {
		_ = l.Close()
	}
	return err == nil
}

func TestAnExplicitPortIsNotRemembered(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ports.json")
	first := startAgain(t, file, loopTCP)
	port, _ := peeraddr.Port(listening(first)[0])
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	other := freeTCPPort(t)
	explicit := "/ip4/127.0.0.1/tcp/" + strconv.Itoa(other)
	second := startAgain(t, file, explicit)
	if got := sortedListening(second); !slices.Equal(got, []string{explicit}) {
		t.Errorf("asked for %s, listens on %s", explicit, got)
	}
	third := startAgain(t, file, loopTCP)
	if got, _ := peeraddr.Port(listening(third)[0]); got != port {
		t.Errorf("port 0 is %d after a run with an explicit port, was %d", got, port)
	}
}

func freeTCPPort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // open for a moment
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // of TCP
}

// A copied data folder has the ports of the first, and must not share them with it.
func TestARememberedPortInUseIsReplaced(t *testing.T) {
	t.Parallel()
	for name, asked := range map[string][]string{"TCP and QUIC": {loopTCP, loopQUIC}, "TCP": {loopTCP}, "QUIC": {loopQUIC}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, copied := filepath.Join(t.TempDir(), "ports.json"), filepath.Join(t.TempDir(), "ports.json")
			first := startAgain(t, file, asked...)
			raw, err := os.ReadFile(file)
			if err == nil {
				err = os.WriteFile(copied, raw, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			second := startAgain(t, copied, asked...)
			got := sortedListening(second)
			for _, a := range sortedListening(first) {
				if slices.Contains(got, a) {
					t.Errorf("both listen on %s", a)
				}
			}
			if err := second.Close(); err != nil {
				t.Fatal(err)
			}
			third := startAgain(t, copied, asked...)
			if again := sortedListening(third); !slices.Equal(again, got) {
				t.Errorf("the port chosen anew was not remembered: %s, then %s", got, again)
			}
		})
	}
}

func TestADamagedPortFileIsReplaced(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "no json", `{"/ip4/127.0.0.1/tcp/0":[0,99999,-1]}`, `{"/ip4/127.0.0.1/tcp/0":"x"}`} {
		file := filepath.Join(t.TempDir(), "ports.json")
		if err := os.WriteFile(file, []byte(raw), 0o600); err != nil {
			t.Fatal(err)
		}
		h := startAgain(t, file, loopTCP)
		port, _ := peeraddr.Port(listening(h)[0])
		if list := listen.OpenPortFile(file, true).Ports()[loopTCP]; !slices.Equal(list, []int{port}) {
			t.Errorf("after %q the file has %d, the host listens on %d", raw, list, port)
		}
	}
}

func TestAReadOnlyPortFileStays(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ports.json")
	h, err := New(Config{Key: newKey(t), Listen: []ma.Multiaddr{addrs(t, loopTCP)[0]}, PortFile: file, PortFileReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	if _, err := os.Stat(file); err == nil {
		t.Error("the port file was written")
	}
}
