package node_test

import (
	"testing"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/node"
)

// Nodes on port 0 find each other again when all of them are restarted and there is no bootstrap
// peer.
func TestAllNodesOnPort0RestartWithoutABootstrapPeer(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0)
	const size = 3
	folders := make([]string, size)
	for i := range folders {
		folders[i] = t.TempDir()
		c.start(node.Config{Data: folders[i]})
	}
	c.settled()
	for _, n := range c.nodes {
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range folders {
		c.start(node.Config{Data: folder, Bootstrap: []ma.Multiaddr{}})
	}
	c.settled()
}
