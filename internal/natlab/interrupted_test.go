//go:build linux

package natlab

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/node"
)

// interruptedSize is the size of a file in the middle of whose transfer something happens.
const interruptedSize int64 = 200e6

// halfway starts f and calls then when about half of the file has moved. It returns how long f
// took.
func halfway(t *testing.T, f func(progress func(node.Progress)) error, then func()) time.Duration {
	t.Helper()
	reached, done := make(chan struct{}), make(chan error, 1)
	once := false
	began := time.Now()
	go func() {
		done <- f(func(p node.Progress) {
			if p.Done > interruptedSize/3 && !once {
				once = true
				close(reached)
			}
		})
	}()
	select {
	case <-reached:
	case err := <-done:
		t.Fatalf("it ended before the middle: %v", err)
	}
	then()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return time.Since(began)
}

// Both nodes are behind symmetric NATs, the only relay is restarted while a file goes through it.
func TestRelayRestarted(t *testing.T) {
	l := New(t)
	host := l.Host(Both)
	host.Speed(200) // so that there is a middle
	boot := startBootstrap(t, host)
	a := startNode(t, l.Router(Symmetric).Host(), boot, "--ring-address", firstAddress)
	b := startNode(t, l.Router(Symmetric).Host(), boot, "--ring-address", secondAddress)
	a.whole(patience, 2)
	x := newTransfer(t, "interrupted", interruptedSize)
	api := a.api()
	took := halfway(t, func(progress func(node.Progress)) error {
		return a.putFile(api, x, progress)
	}, boot.restart)
	t.Logf("put of %.0f MB took %v with the relay restarted in the middle", float64(x.size)/1e6, took.Round(time.Millisecond))
	to := filepath.Join(t.TempDir(), "got")
	took = halfway(t, func(progress func(node.Progress)) error {
		return a.getFile(api, x.name, to, progress)
	}, boot.restart)
	t.Logf("get of %.0f MB took %v with the relay restarted in the middle", float64(x.size)/1e6, took.Round(time.Millisecond))
	if err := x.same(to); err != nil {
		t.Error(err)
	}
	b.whole(30*time.Second, 2)
}

// A provider changes the address at night: the node returns to the ring by itself, with its files.
func TestAddressChanges(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(l *Lab, h *Host, r *Router)
		direct bool
	}{
		{"of the router", func(_ *Lab, _ *Host, r *Router) { r.Renumber() }, true},
		// The router keeps the port for the machine's old address, and chooses another one for the
		// new address.
		{"of the machine", func(_ *Lab, h *Host, _ *Router) { h.Renumber() }, false},
		{"to another home", func(l *Lab, h *Host, _ *Router) { h.Move(l.Router(PortPreserving)) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := New(t)
			boot := startBootstrap(t, l.Host(Both))
			r := l.Router(PortPreserving)
			a := startNode(t, l.Router(PortPreserving).Host(), boot, "--ring-address", firstAddress)
			b := startNode(t, r.Host(), boot, "--ring-address", secondAddress)
			third := startNode(t, l.Router(PortPreserving).Host(), boot)
			for _, p := range []*process{a, b, third} {
				p.whole(patience, 3)
			}
			x := newTransfer(t, "kept", 1e6)
			x.put(a)
			c.change(l, b.host, r)
			changed := time.Now()
			for _, p := range []*process{a, b, third} {
				p.within(30*time.Second, "the file is reachable", func() error {
					_, _, err := p.verb("get", x.name, "-o", filepath.Join(t.TempDir(), "x"), "--force")
					return err
				})
			}
			t.Logf("the file is reachable everywhere after %v", time.Since(changed).Round(time.Millisecond))
			for _, p := range []*process{a, b, third} {
				p.whole(30*time.Second-time.Since(changed), 3)
			}
			t.Logf("one ring after %v", time.Since(changed).Round(time.Millisecond))
			if c.direct {
				for _, p := range []*process{a, b, third} {
					p.direct(30*time.Second-time.Since(changed), 3)
				}
				t.Logf("all connections are direct after %v", time.Since(changed).Round(time.Millisecond))
			}
			x.get(a)
		})
	}
}

// A relayed connection carries fewer bytes than the file has: the transfer continues over further
// connections, and both peers stay in the ring.
func TestFileLargerThanARelayedConnectionCarries(t *testing.T) {
	l := New(t)
	boot := startBootstrap(t, l.Host(Both), "--relay-data", "64MiB")
	a := startNode(t, l.Router(Symmetric).Host(), boot, "--ring-address", firstAddress)
	b := startNode(t, l.Router(Symmetric).Host(), boot, "--ring-address", secondAddress)
	a.whole(patience, 2)
	x := newTransfer(t, "long", interruptedSize)
	began := time.Now()
	x.put(a)
	t.Logf("put of %.0f MB over connections of 64 MiB took %v", float64(x.size)/1e6, time.Since(began).Round(time.Millisecond))
	began = time.Now()
	to := filepath.Join(t.TempDir(), "got")
	if _, _, err := b.verb("get", x.name, "-o", to); err != nil {
		t.Error(err)
	}
	t.Logf("get took %v", time.Since(began).Round(time.Millisecond))
	if err := x.same(to); err != nil {
		t.Error(err)
	}
	b.whole(30*time.Second, 2)
}
