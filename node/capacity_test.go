package node_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// Records count against the capacity as blocks do, and a full ring still deletes.
func TestRecordsCountAgainstTheCapacity(t *testing.T) {
	t.Parallel()
	const capacity = 1 << 20
	c := newCluster(t, 0)
	for range 3 {
		c.start(node.Config{CapacityBytes: capacity})
	}
	c.settled()
	var stored []string
	refused := 0
	for i := 0; refused < 20 && i < 8000; i++ {
		name := fmt.Sprintf("%d-%s", i, bytes.Repeat([]byte("long "), 190)) // its record takes 2 KB
		_, err := c.nodes[i%3].Put(t.Context(), name, bytes.NewReader(nil), node.PutOptions{})
		switch fault.CodeOf(err) {
		case "":
			stored = append(stored, name)
		case fault.NoSpace:
			refused++
		default:
			t.Fatalf("put %d: %v", i, err)
		}
	}
	if refused == 0 || len(stored) < 100 {
		t.Fatalf("%d files are stored, %d refused", len(stored), refused)
	}
	for i, n := range c.nodes {
		if used := c.status(n).Storage.UsedBytes; used > capacity {
			t.Errorf("node %d has %d bytes of %d", i, used, capacity)
		}
	}
	for _, name := range []string{stored[0], stored[len(stored)/2], stored[len(stored)-1]} {
		if err := c.nodes[0].Remove(t.Context(), name); err != nil {
			t.Errorf("a full ring doesn't delete: %v", err)
		}
	}
}
