package node_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/node"
)

// Two holders that agree exchange one small message each way, whatever they hold; what d records
// cost grows with d, not with all.
func TestWhatReconcilingCosts(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0)
	for range 2 {
		c.start(node.Config{Heartbeat: 30 * time.Second}) // no repair comes between
	}
	one, other := c.nodes[0], c.nodes[1]
	files := 0
	fill := func(upTo int) {
		for ; files < upTo; files++ {
			c.put(one, fmt.Sprintf("cost/%d", files), []byte{byte(files)})
		}
		c.eventually("both have all", func() string {
			for i, n := range c.nodes {
				if have, _ := n.Records(); have != files {
					return fmt.Sprintf("node %d has %d of %d", i, have, files)
				}
			}
			return ""
		})
	}
	reconcile := func() (requests, bytes int64) {
		t.Helper()
		requests, bytes, err := one.ReconcileWith(t.Context(), other)
		if err != nil {
			t.Fatal(err)
		}
		return requests, bytes
	}
	var agreed int64
	for _, n := range []int{20, 400} {
		fill(n)
		requests, bytes := reconcile()
		t.Logf("%d records, agreed: %d requests, %d bytes", n, requests, bytes)
		if requests > 2 || bytes > 512 { // the first one names the protocol, too
			t.Errorf("two holders of the same %d records exchange %d messages with %d bytes, want one small one", n, requests, bytes)
		}
		if agreed > 0 && bytes > agreed+16 {
			t.Errorf("with %d records they exchange %d bytes, with fewer %d", n, bytes, agreed)
		}
		agreed = bytes
	}
	var before int64
	for _, d := range []int{1, 10, 100} {
		if got, err := one.Forget(t.Context(), d); err != nil || got != d {
			t.Fatal(got, err)
		}
		requests, bytes := reconcile()
		t.Logf("%d of %d records differ: %d requests, %d bytes", d, files, requests, bytes)
		if have, _ := one.Records(); have != files {
			t.Errorf("after reconciling %d records of %d are there", have, files)
		}
		if requests > int64(8+d/16) {
			t.Errorf("%d records that differ take %d requests", d, requests)
		}
		// The table of rows has 4 KiB, each row of keys as many, a record less than 1 KiB.
		if most := int64(8<<10 + d*(5<<10)); bytes > most {
			t.Errorf("%d records that differ take %d bytes, more than %d", d, bytes, most)
		}
		if before > 0 && bytes < before {
			t.Errorf("%d records cost %d bytes, fewer %d: something is not counted", d, bytes, before)
		}
		before = bytes
	}
}
