//go:build linux

package natlab

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Five peers behind five routers, one of which forwards a port: when the bootstrap
// peer is gone, pairs that can't have a direct connection go on through that one.
func TestFiveHomesWithoutBootstrap(t *testing.T) {
	l := New(t)
	boot := startBootstrap(t, l.Host(Both))
	var nodes []*process
	for i, kind := range []Kind{PortPreserving, Symmetric, PortPreserving, Symmetric, PortPreserving} {
		r := l.Router(kind)
		h := r.Host()
		if i == 0 {
			r.Forward(4701, h)
		}
		nodes = append(nodes, startNode(t, h, boot))
		t.Logf("%s: joined after %v", kind, nodes[i].joined.Round(time.Millisecond))
	}
	for _, p := range nodes {
		p.whole(patience, 5)
	}
	open := nodes[0]
	took := open.public(patience)
	t.Logf("found out that it is publicly reachable after %v", took.Round(time.Millisecond))
	id := idOf(open.addrs[0])
	for _, i := range []int{1, 3} {
		took := nodes[i].within(patience, "a slot at the reachable node", func() error {
			st, err := nodes[i].status()
			if err == nil && !strings.Contains(strings.Join(st.Addrs, " "), id+"/p2p-circuit") {
				err = fmt.Errorf("addresses %s", st.Addrs)
			}
			return err
		})
		t.Logf("node %d holds a slot there after %v", i, took.Round(time.Millisecond))
	}
	boot.kill()
	killed := time.Now()
	for _, p := range nodes {
		within(t, 30*time.Second, "a put goes on", func() error {
			_, _, err := p.verb("put", newTransfer(t, "first", 1000).path, "--name", "first of "+p.host.ns)
			return err
		})
	}
	t.Logf("puts go on everywhere %v after the bootstrap peer was killed", time.Since(killed).Round(time.Millisecond))
	exchangeAll(t, nodes, "at once")
	t.Logf("all pairs exchanged files, %v after the bootstrap peer was killed", time.Since(killed).Round(time.Millisecond))
	within(t, time.Minute, "the relayed connections through the bootstrap peer have ended", func() error {
		if left := 45*time.Second - time.Since(killed); left > 0 {
			return fmt.Errorf("%s left", left)
		}
		return nil
	})
	for _, p := range nodes {
		p.whole(30*time.Second, 5)
	}
	exchangeAll(t, nodes, "later")
	if n := l.Strays(); n > 0 {
		t.Errorf("%d packets for private addresses of other networks", n)
	}
}

// public waits until a node knows that others reach it directly.
func (p *process) public(limit time.Duration) time.Duration {
	p.t.Helper()
	return p.within(limit, "publicly reachable", func() error {
		st, err := p.status()
		if err == nil && st.Network.Reachability != "public" {
			err = errors.New(st.Network.Reachability)
		}
		return err
	})
}

// exchangeAll puts a file at every node and gets each at every other.
func exchangeAll(t *testing.T, nodes []*process, what string) {
	t.Helper()
	var files []*transfer
	for i, p := range nodes {
		x := newTransfer(t, fmt.Sprintf("%s %d", what, i), 300_000)
		x.put(p)
		files = append(files, x)
	}
	for _, x := range files {
		for _, p := range nodes {
			x.get(p)
		}
	}
}

// idOf is the peer ID at the end of a full address.
func idOf(addr string) string { return addr[strings.LastIndex(addr, "/")+1:] }
