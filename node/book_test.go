package node_test

import (
	"testing"
)

// A node that has forgotten who a holder of a file is tells its ID all the same.
func TestStatWithAHolderThatIsNotKnown(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	c.put(c.nodes[0], "x", bytesOf(1, 1000))
	c.replicated(map[string][]byte{"x": bytesOf(1, 1000)})
	for _, n := range c.nodes {
		for _, other := range c.nodes {
			if other != n {
				n.ForgetPeer(other.PeerID())
			}
		}
		st, err := n.Stat(t.Context(), "x")
		if err != nil {
			t.Fatalf("stat: %v", err)
		}
		if len(st.Holders) != 3 {
			t.Errorf("%d holders, want 3", len(st.Holders))
		}
	}
}
