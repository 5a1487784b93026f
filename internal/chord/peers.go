package chord

import (
	"context"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// Book knows who is who. It verifies what peers tell of themselves and of each other. What it
// learns lets the transport reach them. Package book has the one of production. Its methods may be
// called by many processes, and don't wait.
type Book interface {
	// Self is this peer's own description, as others get it.
	Self() *pb.Peer
	// Parse verifies a description, and keeps nothing.
	Parse(d *pb.Peer) (protocol.PeerInfo, error)
	// Learn verifies what one peer tells of another, keeps it if it is news, and returns what is
	// known now. This peer's own description is verified only.
	Learn(d *pb.Peer) (protocol.PeerInfo, error)
	// LearnFrom is Learn for what the peer from has sent itself. If it speaks of another peer, that
	// is hearsay.
	LearnFrom(from peer.ID, d *pb.Peer) (protocol.PeerInfo, error)
	// Info is what is known of another peer; false when nothing is.
	Info(id ring.ID) (protocol.PeerInfo, bool)
	// Connected reports whether there is a connection to the peer.
	Connected(id peer.ID) bool
	// Admits reports whether a peer may be in the ring at a position: in a private ring, one that
	// is granted it. Nothing else is learned there. What is admitted now may not be later.
	Admits(at ring.Position) bool
}

// Transport sends requests of the ring protocol to other peers.
type Transport interface {
	// Ring sends one request and returns the answer. It ends with ctx.
	Ring(ctx context.Context, to peer.ID, req *pb.RingRequest) (*pb.RingResponse, error)
}

// peerID is the libp2p identity of the node at p.
func peerID(p ring.Position) peer.ID { return peer.ID(p.ID) }

// Self is this peer's own description, as others get it.
func (d *Driver) Self() *pb.Peer { return d.book.Self() }

// Parse is that of the Book.
func (d *Driver) Parse(p *pb.Peer) (protocol.PeerInfo, error) { return d.book.Parse(p) }

// Learn is that of the Book.
func (d *Driver) Learn(p *pb.Peer) (protocol.PeerInfo, error) { return d.book.Learn(p) }

// LearnFrom is that of the Book.
func (d *Driver) LearnFrom(from peer.ID, p *pb.Peer) (protocol.PeerInfo, error) {
	return d.book.LearnFrom(from, p)
}

// Connected reports whether there is a connection to the peer.
func (d *Driver) Connected(id peer.ID) bool { return d.book.Connected(id) }

// LearnAll learns descriptions and returns the positions of those that hold, in order.
func LearnAll(b Book, descriptions ...*pb.Peer) []ring.Position {
	var out []ring.Position
	for _, d := range descriptions {
		if info, err := b.Learn(d); err == nil {
			out = append(out, info.Position)
		}
	}
	return out
}

// maxNeighbors bounds the predecessors and the successors that are taken from one answer. A peer
// has eight of each.
const maxNeighbors = 16

// State turns a message of the peer from into the ring's terms. Descriptions that don't hold are
// left out, which makes a list shorter, never wrong.
func (d *Driver) State(from peer.ID, m *pb.Neighbours) ring.State {
	_, _ = d.book.LearnFrom(from, m.GetSelf())
	preds, succs := m.GetPredecessors(), m.GetSuccessors()
	return ring.State{
		Preds:        LearnAll(d.book, preds[:min(len(preds), maxNeighbors)]...),
		Succs:        LearnAll(d.book, succs[:min(len(succs), maxNeighbors)]...),
		Incorporated: m.GetIncorporated(),
	}
}

// Neighbors is the inverse of State for this peer itself.
func (d *Driver) Neighbors(s ring.State, joined bool) *pb.Neighbours {
	return &pb.Neighbours{
		Self: d.book.Self(), Predecessors: d.Describe(s.Preds), Successors: d.Describe(s.Succs),
		Incorporated: s.Incorporated, Joined: joined, StoreFailed: d.cfg.StoreFailed != nil && d.cfg.StoreFailed(),
	}
}

// DescribeOne returns what is known of p: its ID if no more is.
func (d *Driver) DescribeOne(p ring.Position) *pb.Peer {
	if known := d.Describe([]ring.Position{p}); len(known) > 0 {
		return known[0]
	}
	return &pb.Peer{Id: []byte(p.ID)}
}

// Describe returns the descriptions of those that are known; this peer's own always is.
func (d *Driver) Describe(ps []ring.Position) []*pb.Peer {
	out := make([]*pb.Peer, 0, len(ps))
	for _, p := range ps {
		if p == d.cfg.Self {
			out = append(out, d.book.Self())
		} else if info, ok := d.book.Info(p.ID); ok {
			out = append(out, info.Message)
		}
	}
	return out
}

// IsNeighbor reports whether the peer is a successor of this one, or its predecessor, by its own
// view of the ring. That a peer has described itself, or has notified, which anybody can do, does
// not make it one. Nor is a peer one that may not be in the ring: as a predecessor that has died it
// still bounds the arc, until the next one notifies.
func (d *Driver) IsNeighbor(id peer.ID) bool {
	v := d.Snapshot().View
	return v.HasNeighbor(ring.ID(id)) && slices.ContainsFunc(v.Neighbors(), func(p ring.Position) bool {
		return p.ID == ring.ID(id) && d.book.Admits(p)
	})
}

// InView reports whether the peer is a successor, a predecessor, or a finger of this one, answered
// or not.
func (d *Driver) InView(id ring.ID) bool {
	return slices.ContainsFunc(d.Snapshot().View.Neighbors(), func(p ring.Position) bool { return p.ID == id })
}

// RingNeighbors are the predecessors and successors in a view other than its own peer, each once.
func RingNeighbors(v *ring.View) []ring.Position {
	var out []ring.Position
	for _, p := range slices.Concat(v.Predecessors(), v.Successors()) {
		if p.IsNode() && p != v.Self() && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}
