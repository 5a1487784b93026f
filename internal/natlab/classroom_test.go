//go:build linux

package natlab

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// startsAtOnce is how many nodes of a classroom are starting at a time.
const startsAtOnce = 4

// nodesPerMachine is how many nodes share a namespace: all namespaces share the kernel's neighbor
// table, which is too small for 60 machines that all talk to each other.
const nodesPerMachine = 6

// A classroom: 60 nodes behind one address, each with a slot at the bootstrap peer's relay.
func TestClassroom(t *testing.T) {
	peers := 60
	if s := os.Getenv("P2PCHORD_NATLAB_PEERS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		peers = n
	}
	l := New(t)
	boot := startBootstrap(t, l.Host(Both))
	room := l.Router(Symmetric)
	began := time.Now()
	var nodes []*process
	var machine *Host
	for i := range peers {
		if i >= startsAtOnce {
			nodes[i-startsAtOnce].ready() // more at once would measure the processors
		}
		if i%nodesPerMachine == 0 {
			machine = room.Host()
		}
		nodes = append(nodes, launch(t, machine, nodeArgs(nil, boot, "--heartbeat", "10s", "--listen", "/ip4/0.0.0.0/udp/0/quic-v1")...))
	}
	var wg sync.WaitGroup
	for _, p := range nodes {
		p.ready()
	}
	t.Logf("%d nodes joined after %v", peers, time.Since(began).Round(time.Millisecond))
	id := idOf(boot.addrs[0])
	missing := make([]error, peers)
	for i, p := range nodes {
		wg.Go(func() {
			deadline := time.Now().Add(patience)
			for time.Now().Before(deadline) {
				st, err := p.status()
				if err == nil && strings.Contains(strings.Join(st.Addrs, " "), id+"/p2p-circuit") {
					missing[i] = nil
					return
				}
				missing[i] = fmt.Errorf("%s has no slot: %v, %w", p.host.ns, st.Addrs, err)
			}
		})
	}
	wg.Wait()
	for _, err := range missing {
		if err != nil {
			t.Error(err)
		}
	}
	t.Logf("all hold a slot %v after the first start", time.Since(began).Round(time.Millisecond))
	outside := startNode(t, l.Router(Symmetric).Host(), boot, "--heartbeat", "10s")
	x := newTransfer(t, "from outside", 1e6)
	took, path := x.put(outside)
	t.Logf("a node elsewhere joined after %v and put a file %s in %v", outside.joined.Round(time.Millisecond), path, took.Round(time.Millisecond))
	x.get(nodes[peers/2])
}
