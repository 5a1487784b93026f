package limits

import (
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
)

// opens opens n connections to endpoint and returns the first refusal.
func opens(t *testing.T, cfg Config, n int, endpoint string) error {
	t.Helper()
	rm, err := NewResourceManager(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer rm.Close()
	for range n {
		scope, err := rm.OpenConnection(network.DirOutbound, false, ma.StringCast(endpoint))
		if err != nil {
			return err
		}
		defer scope.Done()
	}
	return nil
}

func TestLimitsAreAsConfigured(t *testing.T) {
	t.Parallel()
	const near, far = "/ip4/127.0.0.1/tcp/1", "/ip4/1.2.3.4/udp/1/quic-v1"
	for _, c := range []struct {
		name     string
		cfg      Config
		endpoint string
		most     int
		want     string
	}{
		{"in all", Config{Connections: 3}, near, 3, "limit of 3 connections in all: try again when some have ended, or raise --connections"},
		{"in all, of a bootstrap peer", Config{Bootstrap: true, Connections: 3}, far, 3, "3 connections in all"},
		{"behind one address", Config{PerAddress: 2}, far, 2, "limit of 2 connections behind one address: try again when some have ended, or raise --connections-per-address"},
		{"behind one address over IPv6", Config{PerAddress: 2}, "/ip6/2a01:7e0::1/udp/1/quic-v1", 2, "--connections-per-address"},
		{"behind one address by default", Config{}, far, PeerConnectionsPerAddress, "--connections-per-address"},
		{"raised", Config{PerAddress: 600}, far, 600, "--connections-per-address"},
	} {
		if err := opens(t, c.cfg, c.most, c.endpoint); err != nil {
			t.Errorf("%s: %d connections: %v", c.name, c.most, err)
		}
		err := opens(t, c.cfg, c.most+1, c.endpoint)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: one more is told as %v, without %q", c.name, err, c.want)
		}
	}
	if err := opens(t, Config{PerAddress: 2}, 20, near); err != nil {
		t.Errorf("loopback is not free: %v", err)
	}
}
