package node_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/p2pchord/p2pchord/node"
)

type statter interface {
	Stat(ctx context.Context, name string) (node.FileStat, error)
	Trace(ctx context.Context, name string) (node.Trace, error)
}

// No peer is said to have a file complete of which a later block is nowhere, by members and by
// clients.
func TestMissingBlocksAreTold(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	c.put(c.nodes[0], "whole", bytesOf(1, 2*node.DefaultBlockSize))
	c.put(c.nodes[0], "broken", bytesOf(2, 4*node.DefaultBlockSize))
	client, err := node.Dial(t.Context(), node.ClientConfig{Bootstrap: c.addrs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })

	c.eventually("the blocks are gone", func() string {
		for _, n := range c.nodes { // again: one may have fetched it anew from another
			for _, i := range []uint32{1, 3} {
				if err := n.DropBlock(t.Context(), "broken", i); err != nil {
					return err.Error()
				}
			}
		}
		st, err := c.nodes[1].Stat(t.Context(), "broken")
		if err != nil {
			return err.Error()
		}
		if !slices.Equal(st.Missing, []int{1, 3}) || len(st.Unchecked) > 0 {
			return fmt.Sprintf("missing %v, unchecked %v", st.Missing, st.Unchecked)
		}
		return ""
	})
	for name, missing := range map[string][]int{"whole": {}, "broken": {1, 3}} {
		for who, r := range map[string]interface {
			getter
			statter
		}{"member": c.nodes[2], "client": client} {
			st, err := r.Stat(t.Context(), name)
			if err != nil || !slices.Equal(st.Missing, missing) {
				t.Errorf("stat of %q by a %s: missing %v, %v; want %v", name, who, st.Missing, err, missing)
			}
			for _, h := range st.Holders {
				if h.Complete && len(missing) > 0 {
					t.Errorf("stat of %q by a %s: %s is said to have it complete", name, who, h.PeerID)
				}
			}
			tr, err := r.Trace(t.Context(), name)
			if err != nil || !slices.Equal(tr.Missing, missing) {
				t.Errorf("trace of %q by a %s: missing %v, %v; want %v", name, who, tr.Missing, err, missing)
			}
			for _, h := range tr.Holders {
				if h.Has == node.HasComplete && len(missing) > 0 {
					t.Errorf("trace of %q by a %s: %s is said to have it complete", name, who, h.PeerID)
				}
			}
		}
	}
}
