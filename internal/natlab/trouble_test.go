//go:build linux

package natlab

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// back waits until every node is in one ring again and reads the file; the whole may take 30 s.
func back(t *testing.T, nodes []*process, x *transfer, what string) {
	t.Helper()
	began := time.Now()
	for _, p := range nodes {
		p.whole(30*time.Second-time.Since(began), len(nodes))
	}
	for _, p := range nodes {
		p.within(30*time.Second-time.Since(began), "the file", func() error {
			return p.gets(x)
		})
	}
	t.Logf("%s: one ring, and files everywhere, after %v", what, time.Since(began).Round(time.Millisecond))
}

// gets fetches the file and compares it.
func (p *process) gets(x *transfer) error {
	p.t.Helper()
	to := filepath.Join(p.t.TempDir(), "got")
	if _, _, err := p.verb("get", x.name, "-o", to); err != nil {
		return err
	}
	return x.same(to)
}

// fourHomes is a bootstrap peer, four nodes in homes of their own, one of them with a forwarded
// port, and a file.
func fourHomes(t *testing.T, l *Lab) (boot *process, homes []*Router, nodes []*process, x *transfer) {
	t.Helper()
	boot = startBootstrap(t, l.Host(Both))
	for i := range 4 {
		r := l.Router(PortPreserving)
		h := r.Host()
		// while the bootstrap peer is away, one node has to stay reachable at its old address
		if i == 0 {
			r.Forward(4701, h)
		}
		homes = append(homes, r)
		nodes = append(nodes, startNode(t, h, boot))
	}
	nodes[0].public(patience)
	for _, p := range nodes {
		p.whole(patience, len(nodes))
	}
	x = newTransfer(t, "kept", 1e6)
	if _, _, err := nodes[0].verb("put", x.path, "--name", x.name, "--wait", "all"); err != nil {
		t.Fatal(err)
	}
	return boot, homes, nodes, x
}

// slots waits until each node holds a slot at a reachable one.
func slots(at *process, nodes []*process) {
	id := idOf(at.addrs[0])
	for _, p := range nodes {
		p.t.Helper()
		took := p.within(patience, "a slot at the reachable node", func() error {
			st, err := p.status()
			if err == nil && !strings.Contains(strings.Join(st.Addrs, " "), id+"/p2p-circuit") {
				err = fmt.Errorf("addresses %s", st.Addrs)
			}
			return err
		})
		p.t.Logf("%s holds a slot there after %v", p.host.ns, took.Round(time.Millisecond))
	}
}

// registeredAgain waits until every node is registered with the bootstrap peer, which has just come
// back.
func registeredAgain(t *testing.T, nodes []*process) {
	t.Helper()
	returned := time.Now()
	for _, p := range nodes {
		p.within(30*time.Second-time.Since(returned), "registered again", func() error {
			st, err := p.status()
			if err == nil && !st.Bootstrap[0].Connected {
				err = fmt.Errorf("%+v", st.Bootstrap)
			}
			return err
		})
	}
	t.Logf("all registered again %v after its return", time.Since(returned).Round(time.Millisecond))
}

// lasting waits while a fault lasts.
func lasting(t *testing.T, d time.Duration) {
	t.Helper()
	began := time.Now()
	within(t, d+time.Minute, "trouble lasts", func() error {
		if left := d - time.Since(began); left > 0 {
			return fmt.Errorf("%s left", left)
		}
		return nil
	})
}

// Faults that last for a while: the ring recovers within 30 s of their end.
func TestTrouble(t *testing.T) {
	t.Run("bootstrap peer away", func(t *testing.T) {
		l := New(t)
		boot, _, nodes, x := fourHomes(t, l)
		boot.kill()
		lasting(t, 40*time.Second) // longer than any of libp2p's timeouts
		nodes[3].kill()
		nodes[3].begin() // starts while it is away, from what it remembers
		nodes[3].ready()
		t.Logf("a node started without the bootstrap peer after %v", nodes[3].joined.Round(time.Millisecond))
		back(t, nodes, x, "bootstrap peer away")
		boot.begin()
		boot.ready()
		registeredAgain(t, nodes)
	})
	t.Run("bootstrap peer elsewhere", func(t *testing.T) {
		l := New(t)
		boot, _, nodes, x := fourHomes(t, l)
		slots(nodes[0], nodes[1:])
		lasting(t, 5*time.Second)    // a heartbeat and what it takes to be remembered
		boot.signal(syscall.SIGTERM) // as when a provider moves the machine
		<-boot.ended
		boot.host.Renumber()
		for _, p := range nodes {
			p.within(time.Minute, "the bootstrap peer is missed", func() error {
				st, err := p.status()
				if err == nil && st.Bootstrap[0].Connected {
					err = fmt.Errorf("%+v", st.Bootstrap)
				}
				return err
			})
		}
		boot.begin() // nobody is told where
		boot.ready()
		registeredAgain(t, nodes)
		back(t, nodes, x, "bootstrap peer at another address")
	})
	t.Run("founds a ring alone", func(t *testing.T) {
		l := New(t)
		boot := startBootstrap(t, l.Host(Both))
		var homes []*Router
		var nodes []*process
		for range 3 {
			homes = append(homes, l.Router(PortPreserving))
			nodes = append(nodes, startNode(t, homes[len(homes)-1].Host(), boot))
		}
		for _, p := range nodes {
			p.whole(patience, len(nodes))
		}
		x := newTransfer(t, "before", 1e6)
		if _, _, err := nodes[0].verb("put", x.path, "--name", x.name, "--copies", "3", "--wait", "all"); err != nil {
			t.Fatal(err)
		}
		lasting(t, 12*time.Second) // four heartbeats, and what it takes to be remembered
		boot.kill()
		lone := nodes[2]
		lone.kill()
		homes[2].Renumber() // no hole of before leads out of here
		for _, p := range nodes[:2] {
			p.whole(patience, 2)
		}
		y := newTransfer(t, "meanwhile", 1e6)
		within(t, time.Minute, "a put among the others", func() error {
			_, _, err := nodes[0].verb("put", y.path, "--name", y.name)
			return err
		})
		lone.begin()
		lone.ready()
		took := lone.within(2*time.Minute, "a ring of its own", func() error {
			out, _, err := lone.verb("ring", "--json")
			if n := strings.Count(out, "\n"); err == nil && n != 1 {
				err = fmt.Errorf("%d members", n)
			}
			return err
		})
		t.Logf("it has a ring of its own %v after its start", (lone.joined + took).Round(time.Millisecond))
		if err := lone.gets(x); err != nil {
			t.Errorf("alone it doesn't give the file that it holds: %v", err)
		}
		boot.begin()
		boot.ready()
		back(t, nodes, x, "the bootstrap peer back after one founded alone")
		back(t, nodes, y, "the file of meanwhile")
	})
	t.Run("asleep", func(t *testing.T) {
		l := New(t)
		_, _, nodes, x := fourHomes(t, l)
		nodes[1].signal(syscall.SIGSTOP)
		lasting(t, 45*time.Second)
		nodes[1].signal(syscall.SIGCONT)
		back(t, nodes, x, "asleep for 45 s")
	})
	t.Run("half of the ring cut off", func(t *testing.T) {
		l := New(t)
		_, homes, nodes, x := fourHomes(t, l)
		for _, r := range homes[:2] {
			r.Down()
		}
		lasting(t, 45*time.Second)
		for _, r := range homes[:2] {
			r.Up()
		}
		back(t, nodes, x, "two of four without a network for 45 s")
	})
}
