package netcheck

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/p2phost"
)

// A QUIC host answers both probes, whatever else gets through; a port where nobody is answers none.
func TestProbeUDP(t *testing.T) {
	t.Parallel()
	key, err := p2phost.LoadOrCreateIdentity(filepath.Join(t.TempDir(), "identity"))
	if err != nil {
		t.Fatal(err)
	}
	h, err := p2phost.New(p2phost.Config{Profile: p2phost.Bootstrap, Key: key, Listen: []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/udp/0/quic-v1")}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if small, large := probeUDP(ctx, h.Addrs()[0]); !small || !large {
		t.Errorf("a QUIC host answers small packets: %v, large ones: %v", small, large)
	}
	silent, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	_, port, err := net.SplitHostPort(silent.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	if udpAnswers(ctx, ma.StringCast("/ip4/127.0.0.1/udp/"+port+"/quic-v1")) {
		t.Error("a silent port answers")
	}
	if udpAnswers(ctx, ma.StringCast("/ip4/127.0.0.1/tcp/1")) {
		t.Error("TCP answers")
	}
}
