package node

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/nodefolder"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

const tickLength = chord.TickLength

type snapshot = chord.Snapshot

// ringState gives the present snapshot. It may be asked as soon as the host runs.
type ringState struct{ driver atomic.Pointer[chord.Driver] }

// Load returns nil while the node starts.
func (s *ringState) Load() *snapshot {
	if d := s.driver.Load(); d != nil {
		return d.Snapshot()
	}
	return nil
}

// driver runs the ring's machine and the arc; nil while the node starts.
func (n *Node) driver() *chord.Driver { return n.state.driver.Load() }

func (n *Node) step(in ring.Input) { n.driver().Step(in) }

// ringTransport sends requests of the ring protocol.
type ringTransport struct{ node *Node }

// Ring implements chord.Transport.
func (t ringTransport) Ring(ctx context.Context, to peer.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
	n := t.node
	n.book.Prepare(to)
	resp, err := n.client.Ring(ctx, to, req)
	// anybody may be observed, and clocks are members'
	if q := req.GetNeighbours(); q == nil || q.GetFrom() != nil {
		n.replicas.Clocks().Note(to, resp.GetTimeMs())
	}
	return resp, err
}

// serveRing answers one request of the ring protocol.
func (n *Node) serveRing(ctx context.Context, from peer.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
	resp, err := n.driver().Serve(ctx, from, req)
	if resp == nil {
		resp = &pb.RingResponse{}
	}
	resp.TimeMs = n.replicas.Clocks().Millis()
	return resp, err
}

// ringHooks are what the ring tells this node of.
func (n *Node) ringHooks() chord.Hooks {
	return chord.Hooks{
		Published:    n.published,
		StoreFailed:  func() bool { return n.standby.Failed() },
		LeftBehind:   func(id peer.ID) { n.replicas.LeftBehind(id) },
		OwnerGuessed: n.metrics.OwnerGuessed,
		OwnerAsked:   n.metrics.OwnerAsked,
	}
}

// published follows a new snapshot: events, connections to protect, and work for the repair. It
// runs in the ring's loop.
func (n *Node) published(old, now *snapshot) {
	if old.View != now.View {
		n.ringChanged(old.View, now.View)
	}
	if !old.Grants.Synced && now.Grants.Synced {
		n.replicas.WakeRepair()
	}
}

// isNeighbor reports whether the peer is a neighbor in this node's own view of the ring; false
// while the node starts.
func (n *Node) isNeighbor(id peer.ID) bool {
	d := n.driver()
	return d != nil && d.IsNeighbor(id)
}

// isInView reports whether the peer is in this node's view of the ring; false while the node
// starts.
func (n *Node) isInView(id ring.ID) bool {
	d := n.driver()
	return d != nil && d.InView(id)
}

// mayHoldSlot reports whether a peer may hold a slot of this node's relay.
func (n *Node) mayHoldSlot(id peer.ID) bool {
	return n.isMember() && n.driver().CheckMember(n.ctx, id) == nil
}

// knownPeer is what was learned of a peer, or what this node knows of itself.
func (n *Node) knownPeer(id peer.ID) (protocol.PeerInfo, bool) {
	if id == n.host.ID() {
		return protocol.PeerInfo{ID: id, RingAddress: n.address, Position: n.self}, true
	}
	return n.book.Info(ring.ID(id))
}

// peerID is the libp2p identity of the node at p.
func peerID(p ring.Position) peer.ID { return peer.ID(p.ID) }

// ringChanged follows a new view: events, and connections to protect. It runs in the loop.
func (n *Node) ringChanged(old, now *ring.View) {
	if !old.Joined() && now.Joined() {
		if now.Founder() {
			n.event("founded", "founded a new ring")
		} else {
			n.event("joined", "joined the ring")
		}
	}
	if a, b := first(old.Successors()), first(now.Successors()); a != b && now.Joined() {
		n.event("successor", "the successor is "+nodeText(b, now))
		n.replicas.WakeRepair()
	}
	if a, b := first(old.Predecessors()), first(now.Predecessors()); a != b && now.Joined() {
		n.event("predecessor", "the predecessor is "+nodeText(b, now))
		n.replicas.WakeRepair()
	}
	n.protection.Set(now.Neighbors())
}

func first(ps []ring.Position) ring.Position {
	if len(ps) == 0 {
		return ring.Position{}
	}
	return ps[0]
}

func nodeText(p ring.Position, v *ring.View) string {
	if !p.IsNode() {
		p = v.Self()
	}
	return fmt.Sprintf("%d (%s)", p.Key, peerID(p))
}

// rememberLoop writes down who is in the ring, when it has changed and now and then.
func (n *Node) rememberLoop(ctx context.Context) {
	for env.Sleep(ctx, n.env, 3*n.cfg.Heartbeat) == nil {
		// then its neighbors are those that it had, and its disk takes nothing
		if !n.state.Load().Standby {
			n.remember()
		}
	}
}

// remember writes down who is in the ring. A failure costs only a slower start.
func (n *Node) remember() {
	s := n.state.Load()
	if s == nil {
		return
	}
	peers := n.driver().Describe(nodefolder.Choose(s.View, n.book.HasSpoken))
	holders := n.driver().Describe(chord.RingNeighbors(s.View))
	if err := n.folder.Keep(peers, holders, s.View.HadPeers(), n.replicas.Memory()); err != nil {
		log.Warnw("remembering the peers", "err", err)
	}
}
