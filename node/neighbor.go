package node

import (
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/ring"
)

// isNeighbor reports whether the peer is a successor of this node, or its predecessor, by its own view of the ring. That a
// peer has described itself, or has notified, which anybody can do, does not make it one.
func (n *Node) isNeighbor(id peer.ID) bool {
	s := n.state.Load()
	return s != nil && s.View.HasNeighbor(ring.ID(id)) // nil before the ring's machine runs
}

// isInView reports whether the peer is a successor, a predecessor or a finger of this node, answered or not.
func (n *Node) isInView(id ring.ID) bool {
	s := n.state.Load()
	return s != nil && slices.ContainsFunc(s.View.Neighbors(), func(p ring.Position) bool { return p.ID == id })
}

// inViewAt reports whether the position is that of a successor, a predecessor or a finger of this node.
func (n *Node) inViewAt(at ring.Position) bool {
	s := n.state.Load()
	return s != nil && slices.Contains(s.View.Neighbors(), at)
}

// mayHoldSlot reports whether a peer may hold a slot of this node's relay.
func (n *Node) mayHoldSlot(id peer.ID) bool {
	s := n.state.Load() // nil while the node starts
	return s != nil && s.View.Joined() && n.checkMember(n.ctx, id) == nil
}
