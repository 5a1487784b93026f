//go:build linux

package natlab

import (
	"testing"
	"time"
)

// pairSize is the size of a file that goes from home to home.
const pairSize = 100e6

// The listen addresses of nodes that speak one transport only.
var (
	onlyTCP  = []string{"--listen", "/ip4/0.0.0.0/tcp/4701"}
	onlyQUIC = []string{"--listen", "/ip4/0.0.0.0/udp/4701/quic-v1"}
)

// These tests measure: one runs at a time.

func TestTwoHomes(t *testing.T) {
	for _, c := range []struct {
		name          string
		first, second Kind
		listen        []string
		path          string
	}{
		{"port-preserving over QUIC", PortPreserving, PortPreserving, onlyQUIC, "direct"},
		{"port-preserving over TCP", PortPreserving, PortPreserving, onlyTCP, "direct"},
		{"port-preserving", PortPreserving, PortPreserving, nil, "direct"},
		{"endpoint-independent", EndpointIndependent, EndpointIndependent, nil, "direct"},
		{"one symmetric", PortPreserving, Symmetric, nil, "relayed"},
		{"both symmetric", Symmetric, Symmetric, nil, "relayed"},
		{"UDP blocked at one", UDPBlocked, PortPreserving, nil, "direct"},
		{"UDP blocked at both", UDPBlocked, UDPBlocked, nil, "direct"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := New(t)
			boot := startBootstrap(t, l.Host(Both))
			first, second := l.Router(c.first), l.Router(c.second)
			a := startNode(t, first.Host(), boot, append([]string{"--ring-address", firstAddress}, c.listen...)...)
			b := startNode(t, second.Host(), boot, append([]string{"--ring-address", secondAddress}, c.listen...)...)
			t.Logf("joined after %v and %v", a.joined.Round(time.Millisecond), b.joined.Round(time.Millisecond))
			a.whole(patience, 2)
			if c.path == "direct" {
				took := b.joined + a.direct(10*time.Second, 2) + b.direct(10*time.Second, 2)
				t.Logf("direct %v after the second node's start", took.Round(time.Millisecond))
			}
			measure(t, a, b, c.path)
			first.Forward(5000, a.host)
			if raw, err := RawTCP(a.host, b.host, first.IP4(), 5000, pairSize); err != nil {
				t.Error(err)
			} else {
				t.Logf("plain TCP between the same machines: %.0f MB/s", pairSize/1e6/raw.Seconds())
			}
			if n := l.Strays(); n > 0 {
				t.Errorf("%d packets for private addresses of other networks", n)
			}
		})
	}
}

// measure puts a file at a, all of it to b, gets it back, and compares with plain TCP on the same
// way.
func measure(t *testing.T, a, b *process, path string) {
	t.Helper()
	x := newTransfer(t, "large", pairSize)
	put, putPath := x.put(a)
	get, getPath := x.get(a)
	t.Logf("put %s %s, get %s %s", putPath, x.rate(put), getPath, x.rate(get))
	if path != "" && (putPath != path || getPath != path) {
		t.Errorf("the paths are %q and %q, want %q", putPath, getPath, path)
	}
}
