//go:build linux

package natlab

import (
	"testing"
	"time"
)

func TestOneHome(t *testing.T) {
	l := New(t)
	boot := startBootstrap(t, l.Host(Both))
	home := l.Router(PortPreserving)
	a := startNode(t, home.Host(), boot, "--ring-address", firstAddress)
	b := startNode(t, home.Host(), boot, "--ring-address", secondAddress)
	a.whole(patience, 2)
	took := b.joined + b.direct(10*time.Second, 2)
	t.Logf("joined after %v and %v, direct after %v", a.joined.Round(time.Millisecond), b.joined.Round(time.Millisecond), took.Round(time.Millisecond))
	before := home.Crossed()
	measure(t, a, b, "direct")
	if n := home.Crossed() - before; n > pairSize/10 {
		t.Errorf("%d bytes went through the router: the nodes don't speak over their private addresses", n)
	}
	if n := l.Strays(); n > 0 {
		t.Errorf("%d packets for private addresses of other networks", n)
	}
}

// Without a bootstrap peer and without internet mDNS is enough.
func TestOneHomeWithoutInternet(t *testing.T) {
	l := New(t)
	home := l.Router(PortPreserving)
	home.Down()
	a := start(t, home.Host(), "node", "--no-prompt", "--ring-address", firstAddress)
	b := start(t, home.Host(), "node", "--no-prompt", "--ring-address", secondAddress)
	took := a.whole(30*time.Second, 2)
	t.Logf("joined after %v and %v, one ring after %v more", a.joined.Round(time.Millisecond), b.joined.Round(time.Millisecond), took.Round(time.Millisecond))
	measure(t, a, b, "direct")
}
