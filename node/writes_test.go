package node_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/p2pchord/p2pchord/node"
)

// Writes of one name that begin at the same moment at the same node are different versions, each is
// acknowledged, and the same one stands everywhere.
func TestWritesAtTheSameMoment(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	const writes = 16
	versions := make([]string, writes)
	var start, all sync.WaitGroup
	start.Add(1)
	for i := range writes {
		all.Go(func() {
			start.Wait()
			text := fmt.Sprintf("write %d", i)
			r, err := c.nodes[0].Put(t.Context(), "contended", strings.NewReader(text), node.PutOptions{Size: int64(len(text))})
			if err != nil {
				t.Errorf("put: %v", err)
			}
			versions[i] = r.Version
		})
	}
	start.Done()
	all.Wait()
	seen := make(map[string]int)
	last := ""
	for i, v := range versions {
		if j, twice := seen[v]; twice {
			t.Errorf("writes %d and %d have the version %s", j, i, v)
		}
		seen[v] = i
		last = max(last, v)
	}
	want := fmt.Sprintf("write %d", seen[last])
	for i, n := range c.nodes {
		if got := string(c.get(n, "contended")); got != want {
			t.Errorf("node %d has %q, the greatest version is that of %q", i, got, want)
		}
		st, err := n.Stat(t.Context(), "contended")
		if err != nil || len(st.Siblings) > 0 {
			t.Errorf("stat: %+v, %v", st, err)
		}
	}
}
