package node_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// A file that is too large for the ring leaves nothing behind, and what was there before, equal
// blocks included, stays.
func TestRefusedPutTakesItsBlocksBack(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0)
	for range 3 {
		c.start(node.Config{CapacityBytes: 24 << 20})
	}
	c.settled()
	data := bytesOf(1, 12*node.DefaultBlockSize)
	begin := data[:2*node.DefaultBlockSize]
	files := map[string][]byte{"before": bytesOf(2, 1000), "begin": begin}
	for name, content := range files {
		c.put(c.nodes[0], name, content)
	}
	c.replicated(files)
	used := func() (out []int64) {
		for _, n := range c.nodes {
			out = append(out, c.status(n).Storage.UsedBytes)
		}
		return out
	}
	before := used()
	// a new file, and a new version of one that is there
	for _, name := range []string{"large", "begin"} {
		_, err := c.nodes[1].Put(t.Context(), name, bytes.NewReader(data), node.PutOptions{Size: int64(len(data))})
		if fault.CodeOf(err) != fault.NoSpace {
			t.Fatalf("put of %q, too large for the ring: %v, want no space", name, err)
		}
		c.eventually("its blocks are gone", func() string {
			for i, u := range used() {
				if u > before[i]+64<<10 { // records and their sums
					return fmt.Sprintf("node %d uses %d bytes, %d before", i, u, before[i])
				}
			}
			return ""
		})
	}
	c.readable(files)
	c.replicated(files)
}

// A block is given up by its writer, not by anybody.
func TestGivingUpOthersBlocks(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	data := bytesOf(3, 2*node.DefaultBlockSize)
	c.put(c.nodes[0], "x", data)
	for i, n := range c.nodes {
		if err := n.RetractAll(t.Context(), "x"); i > 0 && fault.CodeOf(err) != fault.NotAllowed {
			t.Errorf("node %d gives another writer's block up: %v, want that it is not allowed", i, err)
		} else if i == 0 && err != nil {
			t.Errorf("the writer gives a block up that its file uses: %v", err)
		}
	}
	c.readable(map[string][]byte{"x": data})
}
