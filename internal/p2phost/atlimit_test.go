package p2phost

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/protocol"
)

// opens opens n connections to endpoint and returns the first refusal.
func opens(t *testing.T, cfg Config, n int, endpoint string) error {
	t.Helper()
	rm, err := newResourceManager(cfg)
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
		{"in all, of a bootstrap peer", Config{Profile: Bootstrap, Connections: 3}, far, 3, "3 connections in all"},
		{"behind one address", Config{ConnectionsPerAddress: 2}, far, 2, "limit of 2 connections behind one address: try again when some have ended, or raise --connections-per-address"},
		{"behind one address over IPv6", Config{ConnectionsPerAddress: 2}, "/ip6/2a01:7e0::1/udp/1/quic-v1", 2, "--connections-per-address"},
		{"behind one address by default", Config{}, far, PeerConnectionsPerAddress, "--connections-per-address"},
		{"raised", Config{ConnectionsPerAddress: 600}, far, 600, "--connections-per-address"},
	} {
		if err := opens(t, c.cfg, c.most, c.endpoint); err != nil {
			t.Errorf("%s: %d connections: %v", c.name, c.most, err)
		}
		err := opens(t, c.cfg, c.most+1, c.endpoint)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: one more is told as %v, without %q", c.name, err, c.want)
		}
	}
	if err := opens(t, Config{ConnectionsPerAddress: 2}, 20, near); err != nil {
		t.Errorf("loopback is not free: %v", err)
	}
	if _, err := New(Config{Profile: Client, Connections: -1}); !errors.Is(err, fault.Usage) {
		t.Errorf("-1 connections: %v", err)
	}
}

// A full host refuses over TCP and over QUIC so that the other side can say what it may be; who is full itself
// says which limit it is.
func TestAFullHost(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, listen := range []string{loopTCP, loopQUIC} {
		full := startHost(t, Config{Profile: Bootstrap, Listen: addrs(t, listen), Connections: 1})
		to, err := peeraddr.Infos(peeraddr.Full(full))
		if err != nil {
			t.Fatal(err)
		}
		if err := startHost(t, Config{Profile: Client}).Connect(ctx, to[0]); err != nil {
			t.Fatal(err)
		}
		if err := startHost(t, Config{Profile: Client}).Connect(ctx, to[0]); err == nil || !protocol.HungUp(err) {
			t.Errorf("%s: the second is refused with %v", listen, err)
		}
		other := startHost(t, Config{Profile: Bootstrap, Listen: addrs(t, listen)})
		to, err = peeraddr.Infos(peeraddr.Full(other))
		if err != nil {
			t.Fatal(err)
		}
		var limit *LimitError
		if err := full.Connect(ctx, to[0]); !errors.As(err, &limit) || !strings.Contains(limit.Limit(), "--connections") {
			t.Errorf("%s: a full host connects: %v", listen, err)
		}
	}
}
