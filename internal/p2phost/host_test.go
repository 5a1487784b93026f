package p2phost

import (
	"context"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

func newKey(t testing.TB) crypto.PrivKey {
	t.Helper()
	key, err := LoadOrCreateIdentity(filepath.Join(t.TempDir(), "identity"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func addrs(t testing.TB, ss ...string) []ma.Multiaddr {
	t.Helper()
	out := make([]ma.Multiaddr, len(ss))
	for i, s := range ss {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = a
	}
	return out
}

func startHost(t testing.TB, cfg Config) host.Host {
	t.Helper()
	if cfg.Key == nil && cfg.Profile != Client {
		cfg.Key = newKey(t)
	}
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// listening returns h's listen addresses but the relay's, which is none of its own.
func listening(h host.Host) []ma.Multiaddr {
	return slices.DeleteFunc(h.Network().ListenAddresses(), peeraddr.IsRelay)
}

const (
	loopTCP  = "/ip4/127.0.0.1/tcp/0"
	loopQUIC = "/ip4/127.0.0.1/udp/0/quic-v1"
)

func TestHostListensOnOnePortForBothTransports(t *testing.T) {
	t.Parallel()
	h := startHost(t, Config{Listen: addrs(t, loopTCP, loopQUIC)})
	ports := map[int]int{}
	for _, a := range listening(h) {
		p, ok := peeraddr.Port(a)
		if !ok || p == 0 {
			t.Errorf("%s has no port", a)
		}
		ports[p]++
	}
	if len(ports) != 1 {
		t.Errorf("ports %v, want one number for TCP and QUIC", ports)
	}
}

func TestEveryProfileConnectsOnLoopbackByTCPAndTLS(t *testing.T) {
	t.Parallel()
	boot := startHost(t, Config{Profile: Bootstrap, Listen: addrs(t, loopTCP, loopQUIC), Version: "1.2.3"})
	relays, err := peeraddr.Infos(peeraddr.Full(boot))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []Profile{Peer, Client} {
		var listen []ma.Multiaddr
		if p == Peer {
			listen = addrs(t, loopTCP, loopQUIC)
		}
		h := startHost(t, Config{Profile: p, Listen: listen, Relays: relays})
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := h.Connect(ctx, relays[0]); err != nil {
			t.Fatal(err)
		}
		c := h.Network().ConnsToPeer(boot.ID())[0]
		if s := c.ConnState(); s.Transport != "tcp" || !strings.Contains(string(s.Security), "tls") {
			t.Errorf("profile %d connected by %s and %s, want tcp and tls", p, s.Transport, s.Security)
		}
		if v, err := h.Peerstore().Get(boot.ID(), "AgentVersion"); err != nil || v != "p2pchord/1.2.3" {
			t.Errorf("user agent %v, %v", v, err)
		}
	}
}

func TestQUICIsTheFallback(t *testing.T) {
	t.Parallel()
	a := startHost(t, Config{Listen: addrs(t, loopQUIC)})
	b := startHost(t, Config{Listen: addrs(t, loopTCP)})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := b.Connect(ctx, peer.AddrInfo{ID: a.ID(), Addrs: a.Addrs()}); err != nil {
		t.Fatal(err)
	}
}

func TestPortInUseIsOneClearLine(t *testing.T) {
	t.Parallel()
	h := startHost(t, Config{Listen: addrs(t, loopTCP, loopQUIC)})
	for _, taken := range listening(h) {
		for _, p := range []Profile{Peer, Bootstrap} {
			_, err := New(Config{Profile: p, Key: newKey(t), Listen: []ma.Multiaddr{taken}})
			if fault.CodeOf(err) != fault.Failed {
				t.Fatalf("second host on %s: %v, want an error of kind failed", taken, err)
			}
			for _, want := range []string{taken.String(), "in use", "--listen"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q doesn't say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is more than one line", err)
			}
		}
	}
}

// An address that is taken is an error even when the host could listen on others.
func TestEveryListenAddressCounts(t *testing.T) {
	t.Parallel()
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pc.Close() }()
	taken := "/ip4/127.0.0.1/udp/" + strconv.Itoa(pc.LocalAddr().(*net.UDPAddr).Port) + "/quic-v1"
	_, err = New(Config{Key: newKey(t), Listen: addrs(t, loopTCP, taken)})
	if err == nil || !strings.Contains(err.Error(), taken) {
		t.Errorf("%v, want an error that names %s", err, taken)
	}
}

func TestBadAddressesAreUsage(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"/ip4/127.0.0.1", "/ip4/127.0.0.1/udp/4001", "/dns4/example.org/tcp/4001",
		"/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA",
		"/unix/some/socket", "/ip4/192.0.2.77/tcp/0",
	} {
		if _, err := New(Config{Key: newKey(t), Listen: addrs(t, s)}); fault.CodeOf(err) != fault.Usage {
			t.Errorf("listen %s: %v, want an error of kind usage", s, err)
		}
	}
	for _, s := range []string{"/ip4/192.0.2.1", "/ip4/0.0.0.0/tcp/1", "/ip4/192.0.2.1/tcp/0", "/dns4/example.org"} {
		if _, err := New(Config{Key: newKey(t), Announce: addrs(t, s)}); fault.CodeOf(err) != fault.Usage {
			t.Errorf("announce %s: %v, want an error of kind usage", s, err)
		}
	}
	if _, err := New(Config{}); err == nil {
		t.Error("a peer without an identity starts")
	}
}

func TestAnnouncedAddressesComeFirstAndLoopbackLast(t *testing.T) {
	t.Parallel()
	h := startHost(t, Config{Listen: addrs(t, loopTCP), Announce: addrs(t, "/dns4/ring.example.org/tcp/4700", "/ip4/192.168.7.7/tcp/1")})
	var got []string
	for _, a := range peeraddr.Full(h) {
		info, err := peeraddr.Split(a)
		if err != nil || info.ID != h.ID() {
			t.Errorf("%s: %v", a, err)
		}
		got = append(got, info.Addrs[0].String())
	}
	if len(got) != 3 || got[0] != "/dns4/ring.example.org/tcp/4700" || got[1] != "/ip4/192.168.7.7/tcp/1" || !strings.HasPrefix(got[2], "/ip4/127.0.0.1/") {
		t.Errorf("%v", got)
	}
}

func TestOnAddrsChangedStopsItsGoroutine(t *testing.T) {
	t.Parallel()
	h := startHost(t, Config{Listen: addrs(t, loopTCP)})
	called := make(chan struct{}, 16)
	stop, err := OnAddrsChanged(h, func() { called <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-called:
	case <-time.After(10 * time.Second):
		t.Error("not called with the addresses at the start")
	}
	stop()
}

func BenchmarkStart(b *testing.B) {
	key := newKey(b)
	for b.Loop() {
		h, err := New(Config{Key: key, Listen: addrs(b, loopTCP, loopQUIC)})
		if err != nil {
			b.Fatal(err)
		}
		if err := h.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
