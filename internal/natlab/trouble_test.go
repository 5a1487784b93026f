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
			to := filepath.Join(t.TempDir(), "got")
			if _, _, err := p.verb("get", x.name, "-o", to); err != nil {
				return err
			}
			return x.same(to)
		})
	}
	t.Logf("%s: one ring, and files everywhere, after %v", what, time.Since(began).Round(time.Millisecond))
}

// fourHomes is a bootstrap peer, four nodes in homes of their own, one of them with a forwarded port, and a file.
func fourHomes(t *testing.T, l *Lab) (boot *process, homes []*Router, nodes []*process, x *transfer) {
	t.Helper()
	boot = startBootstrap(t, l.Host(Both))
	for i := range 4 {
		r := l.Router(PortPreserving)
		h := r.Host()
		if i == 0 { // while the bootstrap peer is away, somebody has to be found at an address that lasts
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

// registeredAgain waits until every node is registered with the bootstrap peer, which has just come back.
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

// lasting waits while something is the matter.
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

// What goes wrong for a time, and is over within 30 s of its end.
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
