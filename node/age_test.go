package node_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

const day = 24 * time.Hour

// calendar is the clock that the nodes of a test tell ages by.
type calendar struct{ ahead atomic.Int64 }

func (k *calendar) now() time.Time          { return time.Now().Add(time.Duration(k.ahead.Load())) }
func (k *calendar) advance(d time.Duration) { k.ahead.Add(int64(d)) }

// aged starts a ring whose nodes tell ages by one calendar. Their data folders are returned.
func aged(t *testing.T, size int) (*cluster, *calendar, []string) {
	t.Helper()
	c, k := newCluster(t, 0), &calendar{}
	dirs := make([]string, size)
	for i := range dirs {
		dirs[i] = t.TempDir()
		c.again(k, dirs[i])
	}
	c.settled()
	return c, k, dirs
}

// again starts a node with a data folder.
func (c *cluster) again(k *calendar, dir string) *node.Node {
	return c.start(node.Config{Data: dir, Heartbeat: 300 * time.Millisecond}.WithClock(k.now))
}

// buried waits until no delete is remembered anywhere, and lets the time for that pass.
func (c *cluster) buried(k *calendar, deletes int) {
	c.t.Helper()
	k.advance(2 * time.Hour) // until the owners look again
	c.eventually("all holders know of the deletes", func() string {
		known := 0
		for _, n := range c.live() {
			known += n.Graves()
		}
		if known != deletes {
			return fmt.Sprintf("of %d deletes", known)
		}
		return ""
	})
	c.lives(k, 7*day-time.Minute)
	if _, err := c.live()[0].Get(c.t.Context(), "deleted", node.GetOptions{}); !errors.Is(err, node.ErrNotFound) {
		c.t.Errorf("get of what was deleted: %v", err)
	}
	k.advance(2 * time.Hour)
}

// lives lets time pass in a ring that goes on: what is held is confirmed now and then.
func (c *cluster) lives(k *calendar, d time.Duration) {
	c.t.Helper()
	k.advance(d / 2)
	c.confirmed(k)
	k.advance(d - d/2)
	c.confirmed(k)
}

// holds waits until every live node has so many files' records that count.
func (c *cluster) holds(records int) {
	c.t.Helper()
	c.eventually(fmt.Sprintf("every node has %d records", records), func() string {
		for i, n := range c.live() {
			if count, _ := n.Records(); count != records {
				out := fmt.Sprintf("node %d has %d;", i, count)
				for j, m := range c.live() {
					have, aside := m.Records()
					st := c.status(m)
					out += fmt.Sprintf(" [%d: %d, %d aside, arc %+v, missing %d, ring %v %v repair %+v]", j, have, aside, st.Arc, st.CopiesMissing, st.Ring.OK, st.Ring.Problems, st.Repair)
				}
				return out
			}
		}
		return ""
	})
}

// confirmed waits until all live nodes have been told lately that what they hold stands.
func (c *cluster) confirmed(k *calendar) {
	c.t.Helper()
	c.eventually("what is held has been confirmed", func() string {
		for i, n := range c.live() {
			if age := k.now().Sub(n.Confirmed()); age > 2*time.Hour {
				return fmt.Sprintf("at node %d %s ago", i, age)
			}
		}
		return ""
	})
}

// gone checks that a file is not found through any node, and is in no list.
func (c *cluster) gone(name string) {
	c.t.Helper()
	for i, n := range c.live() {
		if _, err := n.Get(c.t.Context(), name, node.GetOptions{}); !errors.Is(err, node.ErrNotFound) {
			c.t.Errorf("get of %q, which was deleted, through node %d: %v", name, i, err)
		}
		for f, err := range n.List(c.t.Context(), "") {
			if err != nil || f.Name == name {
				c.t.Errorf("ls at node %d: %v %v", i, f.Name, err)
			}
		}
	}
}

// The grace over, a delete is forgotten by all holders, and all of its space returns.
func TestDeletesAreForgotten(t *testing.T) {
	t.Parallel()
	c, k, _ := aged(t, 4)
	const files = 5
	for i := range files {
		size := i * 1000
		if i == 0 {
			size = 2*node.DefaultBlockSize + 7
		}
		name := fmt.Sprintf("deleted/%d", i)
		c.put(c.nodes[i%4], name, bytesOf(uint64(i), size))
		if err := c.nodes[0].Remove(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	c.put(c.nodes[0], "kept", []byte("kept"))
	c.buried(k, files)
	c.eventually("the space of what was deleted has returned", func() string {
		records, blocks := 0, 0
		for _, n := range c.nodes {
			count, _ := n.Records()
			records, blocks = records+count, blocks+n.Blocks()
		}
		if records != 3 || blocks != 3 {
			return fmt.Sprintf("%d records and %d blocks are left, not the 3 copies of one file", records, blocks)
		}
		return ""
	})
	c.readable(map[string][]byte{"kept": []byte("kept")})

	// To these nodes a writer that goes by the real time is a week behind: a delete since may be
	// forgotten.
	_, err := c.nodes[0].Put(t.Context(), "deleted/1", bytes.NewReader(nil), node.PutOptions{})
	if fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("a put that was signed a week ago: %v, want that it is not allowed", err)
	}
	if _, err := c.nodes[1].Put(t.Context(), "kept", bytes.NewReader(nil), node.PutOptions{}); err != nil {
		t.Errorf("an overwrite by the same writer, which names what it replaces: %v", err)
	}
}

// A node that comes back after a day with old data learns what was written, overwritten and deleted
// meanwhile.
func TestBackAfterADayWithOldData(t *testing.T) {
	t.Parallel()
	c, k, dirs := aged(t, 3)
	c.put(c.nodes[0], "overwritten", []byte("old"))
	c.put(c.nodes[0], "deleted", []byte("deleted"))
	c.holds(2)
	c.confirmed(k)
	if err := c.nodes[1].Close(); err != nil {
		t.Fatal(err)
	}
	c.settled()
	c.put(c.nodes[0], "overwritten", []byte("new"))
	c.put(c.nodes[0], "new", []byte("new"))
	if err := c.nodes[0].Remove(t.Context(), "deleted"); err != nil {
		t.Fatal(err)
	}
	k.advance(day)
	c.again(k, dirs[1])
	c.settled()
	c.holds(3)
	c.gone("deleted")
	c.readable(map[string][]byte{"overwritten": []byte("new"), "new": []byte("new")})
	for i, n := range c.live() {
		if _, aside := n.Records(); aside > 0 {
			t.Errorf("node %d has set %d records aside after a day", i, aside)
		}
	}
}

// A node that was away for longer than deletes are remembered brings none of the deleted files
// back; what others have, too, counts again.
func TestAwayLongerThanTheGrace(t *testing.T) {
	t.Parallel()
	c, k, dirs := aged(t, 3)
	c.put(c.nodes[0], "kept", []byte("kept"))
	c.put(c.nodes[0], "deleted", []byte("deleted"))
	c.holds(2)
	c.confirmed(k)
	if err := c.nodes[1].Close(); err != nil {
		t.Fatal(err)
	}
	c.settled()
	if err := c.nodes[0].Remove(t.Context(), "deleted"); err != nil {
		t.Fatal(err)
	}
	c.buried(k, 1)
	c.holds(1)
	c.confirmed(k)
	back := c.again(k, dirs[1])
	c.settled()
	c.holds(1)
	c.gone("deleted")
	c.readable(map[string][]byte{"kept": []byte("kept")})
	if _, aside := back.Records(); aside != 1 {
		t.Errorf("the node that was away has set %d records aside, want the 1 that nobody else has", aside)
	}
}

// When all nodes were away for longer than deletes are remembered nobody can have forgotten one:
// all is believed.
func TestAllAwayLongerThanTheGrace(t *testing.T) {
	t.Parallel()
	c, k, dirs := aged(t, 3)
	files := c.sampleFiles(6)
	c.put(c.nodes[0], "deleted", []byte("deleted"))
	if err := c.nodes[0].Remove(t.Context(), "deleted"); err != nil {
		t.Fatal(err)
	}
	c.holds(7)
	c.confirmed(k)
	for _, n := range c.nodes {
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
	k.advance(30 * day)
	c.restart(k, dirs)
	c.settled()
	c.holds(7)
	c.gone("deleted")
	c.readable(files)
	for i, n := range c.live() {
		if _, aside := n.Records(); aside > 0 {
			t.Errorf("node %d still has %d records set aside", i, aside)
		}
	}
}

// The blocks of a version that was replaced stay for those who read it, and go then.
func TestOrphansAreCollected(t *testing.T) {
	t.Parallel()
	c, k, _ := aged(t, 3)
	c.put(c.nodes[0], "x", bytesOf(1, 3*node.DefaultBlockSize))
	blocks := func() (sum int) {
		for _, n := range c.nodes {
			sum += n.Blocks()
		}
		return sum
	}
	c.eventually("three copies of three blocks", func() string {
		if b := blocks(); b != 9 {
			return fmt.Sprintf("%d blocks", b)
		}
		return ""
	})
	small := []byte("small")
	c.put(c.nodes[1], "x", small)
	k.advance(time.Minute)
	c.confirmed(k) // rounds of all kinds go by
	if b := blocks(); b < 7 {
		t.Errorf("%d blocks after a minute: those of the version before are gone while it may be read", b)
	}
	k.advance(2 * time.Minute)
	c.eventually("the old version's blocks are gone", func() string {
		if b := blocks(); b != 3 {
			return fmt.Sprintf("%d blocks", b)
		}
		return ""
	})
	c.readable(map[string][]byte{"x": small})
}
