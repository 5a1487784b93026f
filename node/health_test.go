package node_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/node"
)

// The status says that the arc isn't served when it isn't, and at rest that all is well.
func TestStatusTellsOfCopies(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0)
	for range 3 {
		c.start(node.Config{Heartbeat: 3 * time.Second})
	}
	c.settled()
	owner := c.nodes[0]
	name := c.nameOwnedBy(owner, "short")
	st := c.status(owner)
	if !st.Arc.Synced || st.Arc.Why != "" || st.Arc.To != st.Key || st.Arc.From != st.Predecessor.Key || st.CopiesMissing != 0 {
		t.Errorf("at rest: arc %+v, %d copies missing", st.Arc, st.CopiesMissing)
	}
	if err := c.successorOf(owner).Close(); err != nil {
		t.Fatal(err)
	}
	c.put(c.nodes[0], name, []byte("two of three"))
	c.settled()
	if st = c.status(owner); st.CopiesMissing != 0 || !st.Arc.Synced {
		t.Errorf("when the ring has closed: %+v", st.Arc)
	}

	// Alone by another's death it serves what it has, and says so.
	for _, n := range c.live() {
		if n != owner {
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.eventually("the last one notices", func() string {
		if st = c.status(owner); st.Arc.Synced || st.Arc.Why == "" || st.Ring.OK {
			return fmt.Sprintf("arc %+v, ring %+v", st.Arc, st.Ring)
		}
		return ""
	})
	if got := c.get(owner, name); string(got) != "two of three" {
		t.Errorf("got %q", got)
	}
}

// A peer that comes back with another ring address is at its new place, and nowhere else (see
// moved).
func TestAnotherRingAddress(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0)
	dir := t.TempDir()
	for i := range 4 {
		cfg := node.Config{RingAddress: fmt.Sprintf("localhost:%d", 8001+i)}
		if i == 1 {
			cfg.Data = dir
		}
		c.start(cfg)
	}
	c.settled()
	files := c.sampleFiles(12)
	c.replicated(files)
	old := c.status(c.nodes[1])
	if err := c.nodes[1].Close(); err != nil {
		t.Fatal(err)
	}
	back := c.start(node.Config{Data: dir, RingAddress: "localhost:9009"})
	c.settled()
	if st := c.status(back); st.PeerID != old.PeerID || st.Key == old.Key || st.RingAddress != "localhost:9009" {
		t.Errorf("it is %s at %d (%s), and was %s at %d", st.PeerID, st.Key, st.RingAddress, old.PeerID, old.Key)
	}
	for _, n := range c.live() {
		for m, err := range n.Members(t.Context()) {
			if err != nil || m.PeerID == old.PeerID && m.Key == old.Key {
				t.Errorf("%s still sees the peer at its old place: %v", n.PeerID(), err)
			}
		}
	}
	c.readable(files)
	c.replicated(files)
}
