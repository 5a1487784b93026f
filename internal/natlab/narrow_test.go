//go:build linux

package natlab

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/node"
)

// Behind a tunnel with an MTU of 1,280 bytes QUIC fails and TCP works. No node waits for QUIC:
// neither one that starts there, nor one that had QUIC connections before the path became narrow.
func TestNarrowPath(t *testing.T) {
	for _, c := range []struct {
		name  string
		tell  bool
		later bool
	}{
		{"router says so", true, false},
		{"router is silent", false, false},
		{"narrow later, router says so", true, true},
		{"narrow later, router is silent", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := New(t)
			boot := startBootstrap(t, l.Host(Both))
			tunnel, home := l.Router(PortPreserving), l.Router(PortPreserving)
			if !c.later {
				tunnel.Narrow(1280, c.tell)
			}
			a := startNode(t, tunnel.Host(), boot, "--ring-address", firstAddress)
			b := startNode(t, home.Host(), boot, "--ring-address", secondAddress)
			if a.joined > 5*time.Second || b.joined > 5*time.Second {
				t.Errorf("joined after %v and %v", a.joined, b.joined)
			}
			a.whole(patience, 2)
			took := b.joined + a.direct(30*time.Second, 2) + b.direct(30*time.Second, 2)
			t.Logf("direct %v after the second node's start", took.Round(time.Millisecond))
			if c.later {
				newTransfer(t, "before", 1_000_000).put(a)
				peers, _, _ := a.verb("peers")
				t.Logf("before:\n%s", peers)
				tunnel.Narrow(1280, c.tell)
				began := time.Now()
				x := newTransfer(t, "after", 1_000_000)
				for _, p := range []*process{a, b} {
					took := p.within(time.Minute, "a put goes through", func() error {
						_, _, err := p.verb("put", x.path, "--name", "after "+p.host.ns, "--copies", "1")
						return err
					})
					t.Logf("a put goes through at %s after %s, %s after the way became narrow", p.host.ns, took.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
				}
			}
			x := newTransfer(t, "large", 10_000_000)
			put, _ := x.put(a)
			get, _ := x.get(b)
			t.Logf("put after %v, get after %v", put.Round(time.Millisecond), get.Round(time.Millisecond))
			if put > 10*time.Second || get > 10*time.Second {
				t.Errorf("put took %v, get %v", put, get)
			}
			n := a.netcheck(func(node.Netcheck) string { return "" })
			if got := problemCodes(n); !slices.Contains(got, "note path_too_narrow") || slices.Contains(got, "note udp_blocked") {
				t.Errorf("netcheck says %v", got)
			}
			out, _, _ := a.verb("peers")
			// the bootstrap peer's may stay, as long as little goes over it
			for line := range strings.Lines(out) {
				if strings.HasPrefix(line, "successor") && strings.Contains(line, "direct") && strings.Contains(line, "quic") {
					t.Errorf("a connection over QUIC is left: %s", line)
				}
			}
		})
	}
}
