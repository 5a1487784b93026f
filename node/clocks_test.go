package node_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/protocol"
)

// skewed starts a ring of nodes whose clocks are ahead by so much each, and waits until they know
// each other's.
func skewed(t *testing.T, ahead ...time.Duration) (*cluster, []*calendar) {
	t.Helper()
	c := newCluster(t, 0)
	var ks []*calendar
	for range ahead {
		k := &calendar{}
		ks = append(ks, k)
		c.again(k, t.TempDir())
	}
	c.settled()
	for i, d := range ahead {
		ks[i].advance(d)
	}
	c.eventually("the nodes know each other's clocks", func() string {
		for i, n := range c.nodes {
			if wrong := c.clockProblem(n); len(ahead) > 2 && (wrong != "") != (ahead[i] != 0) {
				return fmt.Sprintf("node %d, whose clock is %v ahead, says %q", i, ahead[i], wrong)
			}
		}
		return ""
	})
	return c, ks
}

// clockProblem is what a node's health says of clocks.
func (c *cluster) clockProblem(n *node.Node) string {
	c.t.Helper()
	for _, p := range c.status(n).Ring.Problems {
		if strings.Contains(p, "clock") {
			return p
		}
	}
	return ""
}

// TestOneWrongClock checks that a node whose clock is wrong refuses nothing that the others would
// take, and says that it is its own clock that is wrong.
func TestOneWrongClock(t *testing.T) {
	t.Parallel()
	const year = 365 * day
	for _, off := range []time.Duration{-15 * time.Minute, -year, year} {
		t.Run(off.String(), func(t *testing.T) {
			t.Parallel()
			c, _ := skewed(t, 0, 0, off)
			wrong := c.nodes[2]
			data := []byte("data")
			for i := range 8 {
				c.put(c.nodes[i%2], c.nameOwnedBy(c.nodes[i%3], fmt.Sprint("new", i)), data)
			}
			name := c.nameOwnedBy(wrong, "written")
			for i := range 3 {
				c.put(c.nodes[i%2], name, []byte{byte(i)})
			}
			if err := c.nodes[1].Remove(t.Context(), name); err != nil {
				t.Errorf("rm of a file of the node whose clock is wrong: %v", err)
			}
			long := c.nameOwnedBy(wrong, "blocks")
			c.put(c.nodes[0], long, bytesOf(1, 2*node.DefaultBlockSize+1))
			want := "behind"
			if off > 0 {
				want = "ahead"
			}
			if said := c.clockProblem(wrong); !strings.Contains(said, "this machine's clock") || !strings.Contains(said, want) {
				t.Errorf("the node whose clock is wrong says %q", said)
			}
			check, err := c.nodes[0].Netcheck(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			named := false
			for _, p := range check.Problems {
				named = named || strings.Contains(p.Code, "clock") && strings.Contains(p.What, wrong.PeerID())
			}
			if !named {
				t.Errorf("netcheck of another node does not name the one whose clock is wrong: %+v", check.Problems)
			}
		})
	}
}

// TestTwoClocksThatDiffer checks that of two nodes neither refuses what the other takes, and that
// both say that the clocks differ.
func TestTwoClocksThatDiffer(t *testing.T) {
	t.Parallel()
	c, _ := skewed(t, 0, -300*day)
	for i, n := range c.nodes {
		c.put(c.nodes[0], c.nameOwnedBy(n, fmt.Sprint("new", i)), []byte("data"))
		c.eventually("both tell", func() string {
			if said := c.clockProblem(n); !strings.Contains(said, c.nodes[1-i].PeerID()) {
				return fmt.Sprintf("node %d says %q", i, said)
			}
			return ""
		})
	}
}

// TestWriterWhoseClockIsWrong checks that the ring refuses a new file of a clock far ahead or
// behind, and names whose clock it is.
func TestWriterWhoseClockIsWrong(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	s := c.newStranger()
	for name, off := range map[string]time.Duration{"ahead": time.Hour, "behind": -30 * day} {
		owner := c.nodes[0]
		rec := s.file(c.nameOwnedBy(owner, name), []byte("data"), protocol.Clock(time.Now().Add(off)))
		_, err := s.ask(t.Context(), owner, putOf(rec), []byte("data"))
		if fault.CodeOf(err) != fault.NotAllowed || !strings.Contains(err.Error(), s.host.ID().String()) || !strings.Contains(err.Error(), name) {
			t.Errorf("a put of a clock that is %s: %v", name, err)
		}
	}
}

// TestOwnClockIsBlamed checks that a peer which passes through is told that its own clock is wrong.
func TestOwnClockIsBlamed(t *testing.T) {
	t.Parallel()
	c, _ := skewed(t, -time.Hour, -time.Hour) // to them the client is ahead
	client, err := node.Dial(t.Context(), node.ClientConfig{Bootstrap: c.addrs})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	tries := 0
	c.eventually("the put is refused", func() string {
		tries++
		_, err = client.Put(t.Context(), fmt.Sprint("name", tries), bytes.NewReader(nil), node.PutOptions{})
		if fault.CodeOf(err) != fault.NotAllowed || !strings.Contains(err.Error(), "this machine's clock is 1h0m0s ahead of") {
			return fmt.Sprint(err)
		}
		return ""
	})
}

// TestFilesOfTheFuture checks that what was written while all clocks were ahead can be overwritten
// and deleted when they have been set right, and that a delete of then keeps no other from being
// forgotten.
func TestFilesOfTheFuture(t *testing.T) {
	t.Parallel()
	c, k, _ := aged(t, 3)
	k.advance(365 * day)
	s := c.newStranger()
	for _, name := range []string{"overwritten", "removed"} {
		rec := s.file(name, []byte("old"), protocol.Clock(k.now()))
		c.eventually(name+" is stored", func() string {
			for _, n := range c.nodes {
				if _, err := s.ask(t.Context(), n, putOf(rec), []byte("old")); err == nil {
					return ""
				}
			}
			return "no node takes it"
		})
	}
	k.advance(-365 * day)
	for i := range 3 {
		c.put(c.nodes[i], "overwritten", []byte{byte(i)})
	}
	c.readable(map[string][]byte{"overwritten": {2}})
	if err := c.nodes[1].Remove(t.Context(), "removed"); err != nil {
		t.Fatal(err)
	}
	c.gone("removed")
	if _, err := c.nodes[0].Put(t.Context(), "removed", bytes.NewReader(nil), node.PutOptions{}); err != nil {
		t.Errorf("a put of a name that was deleted: %v", err)
	}
	if err := c.nodes[1].Remove(t.Context(), "removed"); err != nil {
		t.Fatal(err)
	}
	c.put(c.nodes[0], "deleted", []byte("deleted"))
	if err := c.nodes[0].Remove(t.Context(), "deleted"); err != nil {
		t.Fatal(err)
	}
	c.buried(k, 2)
	c.holds(2) // the file, and the delete that is still to come
}
