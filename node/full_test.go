package node_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/protocol"
)

// nameOwnedBy finds a name with the prefix in the arc of n.
func (c *cluster) nameOwnedBy(n *node.Node, prefix string) string {
	c.t.Helper()
	for i := range 10_000 {
		name := fmt.Sprintf("%s/%d", prefix, i)
		l, err := c.nodes[0].Lookup(c.t.Context(), name)
		if err != nil {
			c.t.Fatal(err)
		}
		if l.Owner.PeerID == n.PeerID() {
			return name
		}
	}
	c.t.Fatal("no name of 10,000 falls into the node's arc")
	return ""
}

func (c *cluster) status(n *node.Node) node.Status {
	c.t.Helper()
	st, err := n.Status(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return st
}

// A put whose owner is full is refused, and nothing of it is anywhere. One whose witness is full
// goes to the others, is read through every node, and gets its copy there when there is room.
func TestFullStores(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0)
	for _, capacity := range []int64{0, 3 << 20, 0} {
		c.start(node.Config{CapacityBytes: capacity})
	}
	c.settled()
	full := c.nodes[1]
	data := bytesOf(5, 2<<20)
	first := c.nameOwnedBy(full, "first")
	c.put(c.nodes[0], first, data) // it takes this one, and no other

	owned := c.nameOwnedBy(full, "refused")
	other := bytesOf(6, 2<<20)
	_, err := c.nodes[0].Put(t.Context(), owned, bytes.NewReader(other), node.PutOptions{Size: int64(len(other))})
	if fault.CodeOf(err) != fault.NoSpace {
		t.Errorf("a put whose owner is full: %v, want no space", err)
	}
	for i, n := range c.nodes {
		if _, err := n.Stat(t.Context(), owned); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("stat at node %d of what was refused: %v", i, err)
		}
		if used := c.status(n).Storage.UsedBytes; used > 3<<20 {
			t.Errorf("node %d keeps %d bytes: something of the refused put stays behind", i, used)
		}
	}

	witnessed := c.nameOwnedBy(c.successorOf(full), "witnessed")
	res := c.put(c.nodes[0], witnessed, other)
	if res.Copies != 2 || res.Possible != 3 {
		t.Errorf("a put whose witness is full has %d copies of %d, want 2 of 3", res.Copies, res.Possible)
	}
	files := map[string][]byte{witnessed: other}
	c.readable(files)
	if st := c.status(full); st.Repair.BlocksMissing != 1 {
		t.Errorf("the full node's status says that %d blocks are missing, want 1", st.Repair.BlocksMissing)
	}

	if err := c.nodes[0].Remove(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	c.replicated(files) // there is room again
}

// A full node puts a file itself that it would be the witness of: that it has the bytes at hand
// changes nothing.
func TestAFullNodePuts(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0)
	// Their keys are 58740, 23333 and 58795: the second's successor owns half of all keys.
	for i, capacity := range []int64{0, 1 << 20, 0} {
		c.start(node.Config{CapacityBytes: capacity, RingAddress: fmt.Sprintf("localhost:%d", []int{8002, 8003, 8001}[i])})
	}
	c.settled()
	full := c.nodes[1]
	next := func(name string, block uint32) bool { // it is the next one's
		key := protocol.Place(name, block)
		return 23333 < key && key <= 58740
	}
	name := ""
	for i := 0; name == ""; i++ {
		if try := fmt.Sprintf("file/%d", i); next(try, 0) && next(try, 1) {
			name = try
		}
	}
	data := bytesOf(7, node.DefaultBlockSize+2<<20)
	if res := c.put(full, name, data); res.Copies != 2 || res.Possible != 3 {
		t.Errorf("it has %d copies of %d, want 2 of 3", res.Copies, res.Possible)
	}
	c.readable(map[string][]byte{name: data})
	if used := c.status(full).Storage.UsedBytes; used > 1<<20 {
		t.Errorf("the full node has %d bytes", used)
	}
}

// successorOf is the cluster's node after n.
func (c *cluster) successorOf(n *node.Node) *node.Node {
	id := c.status(n).Successor.PeerID
	for _, o := range c.nodes {
		if o.PeerID() == id {
			return o
		}
	}
	c.t.Fatalf("%s is not in the cluster", id)
	return nil
}

// A version that wants fewer copies than the one it replaces leaves none of that one behind.
func TestFewerCopies(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 6)
	for copies, name := range map[int]string{1: "one", 2: "two"} {
		for _, n := range []int{6, copies} {
			opt := node.PutOptions{Size: 4, Copies: n}
			if _, err := c.nodes[0].Put(t.Context(), name, bytes.NewReader([]byte("data")), opt); err != nil {
				t.Fatal(err)
			}
		}
		want := max(copies, 2) // the witness of a file of one copy holds its record
		c.eventually(fmt.Sprintf("%q is held by %d peers", name, want), func() string {
			held := 0
			for _, n := range c.nodes {
				st := c.status(n)
				for _, f := range append(st.Files, st.BackupFiles...) {
					if f.Name == name {
						held++
					}
				}
			}
			if held != want {
				return fmt.Sprintf("%d hold it", held)
			}
			return ""
		})
	}
}
