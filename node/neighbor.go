package node

import (
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/ring"
)

// isNeighbor reports whether the peer is a successor or a predecessor of this node by its own view of the ring. That a
// peer has described itself, which anybody can do, does not make it one.
func (n *Node) isNeighbor(id peer.ID) bool {
	return n.state.Load().view.HasNeighbor(ring.ID(id))
}
