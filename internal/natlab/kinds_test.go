//go:build linux

package natlab

import (
	"testing"
	"time"
)

// Two peers in networks that are less common.
func TestOtherNetworks(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(l *Lab) (first, second *Host)
		path string // "" for any
	}{
		{"double NAT at one", func(l *Lab) (*Host, *Host) {
			return l.Router(PortPreserving).Router(PortPreserving).Host(), l.Router(PortPreserving).Host()
		}, "direct"},
		{"double NAT at both", func(l *Lab) (*Host, *Host) {
			return l.Router(PortPreserving).Router(PortPreserving).Host(), l.Router(PortPreserving).Router(PortPreserving).Host()
		}, "direct"},
		{"double NAT, the other in between", func(l *Lab) (*Host, *Host) {
			outer := l.Router(PortPreserving)
			return outer.Router(PortPreserving).Host(), outer.Host()
		}, "direct"},
		{"IPv6 only", func(l *Lab) (*Host, *Host) {
			return l.Router(Firewall).Host(), l.Router(Firewall).Host()
		}, "direct"},
		{"IPv6 only and IPv4 only", func(l *Lab) (*Host, *Host) {
			return l.Router(Firewall).Host(), l.Router(PortPreserving).Host()
		}, "relayed"},
		{"port forwarded, the other symmetric", func(l *Lab) (*Host, *Host) {
			r := l.Router(PortPreserving)
			h := r.Host()
			r.Forward(4701, h)
			return h, l.Router(Symmetric).Host()
		}, ""},
		{"public, the other symmetric", func(l *Lab) (*Host, *Host) {
			return l.Host(IPv4), l.Router(Symmetric).Host()
		}, "direct"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := New(t)
			boot := startBootstrap(t, l.Host(Both))
			first, second := c.make(l)
			a := startNode(t, first, boot, "--ring-address", firstAddress)
			b := startNode(t, second, boot, "--ring-address", secondAddress)
			t.Logf("joined after %v and %v", a.joined.Round(time.Millisecond), b.joined.Round(time.Millisecond))
			a.whole(patience, 2)
			if c.path == "direct" {
				took := b.joined + a.direct(10*time.Second, 2)
				t.Logf("direct %v after the second node's start", took.Round(time.Millisecond))
			}
			measure(t, a, b, c.path)
		})
	}
}

// An IPv6-only node behind a firewall joins a ring of IPv4-only nodes, one of which is publicly
// reachable. libp2p alone would not announce that node's relays.
func TestIPv6OnlyJoinsIPv4Only(t *testing.T) {
	l := New(t)
	boot := startBootstrap(t, l.Host(Both))
	nodes := []*process{startNode(t, l.Host(IPv4), boot), startNode(t, l.Router(PortPreserving).Host(), boot)}
	for _, p := range nodes {
		p.whole(patience, 2)
	}
	nodes[0].public(patience)
	six := startNode(t, l.Router(Firewall).Host(), boot)
	t.Logf("joined after %v", six.joined.Round(time.Millisecond))
	nodes = append(nodes, six)
	for _, p := range nodes {
		p.whole(30*time.Second, 3)
	}
	exchangeAll(t, nodes, "across")
}
