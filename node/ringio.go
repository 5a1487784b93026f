package node

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// ringCommands carries out what the ring's machine wants done.
type ringCommands struct{ *Node }

// patience is the time that a query may take: half a heartbeat, a second at least, times the factor
// by which the ring doubts this node's own health.
func (n *Node) patience(factor uint32) time.Duration {
	return time.Duration(max(1, factor)) * max(n.cfg.Heartbeat/2, time.Second)
}

// Query implements chord.RingCommands.
func (n ringCommands) Query(ctx context.Context, c ring.Query) ring.Input {
	ctx, cancel := context.WithTimeout(ctx, n.patience(c.Patience))
	defer cancel()
	resp, err := n.ring(ctx, c.To.ID, &pb.RingRequest{Body: &pb.RingRequest_Neighbours{
		Neighbours: &pb.GetNeighbours{From: n.description()},
	}})
	switch {
	case fault.CodeOf(err) == fault.Busy:
		return ring.WasBusy{Seq: c.Seq}
	case err != nil:
		return ring.TimedOut{Seq: c.Seq}
	default:
		state := n.stateOf(peerID(c.To), resp.GetNeighbours())
		if n.moved(c.To) {
			return ring.TimedOut{Seq: c.Seq}
		}
		return ring.Answered{Seq: c.Seq, State: state}
	}
}

// moved reports whether the peer of position p has come back with another ring address: nobody is at p any more.
func (n *Node) moved(p ring.Position) bool {
	info, ok := n.book.info(p.ID)
	return ok && info.Position != p
}

// Ping implements chord.RingCommands.
func (n ringCommands) Ping(ctx context.Context, c ring.Ping) ring.Input {
	ctx, cancel := context.WithTimeout(ctx, n.patience(c.Patience))
	defer cancel()
	to, ping := c.To.ID, &pb.Ping{}
	if c.Via.IsNode() {
		to, ping.Target = c.Via.ID, []byte(c.To.ID)
	}
	_, err := n.ring(ctx, to, &pb.RingRequest{Body: &pb.RingRequest_Ping{Ping: ping}})
	if err == nil && !n.moved(c.To) {
		return ring.Ponged{Seq: c.Seq}
	}
	return ring.TimedOut{Seq: c.Seq, Refuted: c.Via.IsNode() && (err == nil || fault.CodeOf(err) == fault.NotFound)}
}

// Lookup implements chord.RingCommands.
func (n ringCommands) Lookup(ctx context.Context, c ring.Lookup) ring.Input {
	ctx, cancel := context.WithTimeout(ctx, n.patience(c.Patience))
	defer cancel()
	find := &pb.Find{Key: uint32(c.Target.Key), Id: []byte(c.Target.ID), Hops: maxHops, Join: c.Join}
	var found *pb.Found
	var err error
	if c.Via == n.self {
		found, err = n.find(ctx, find)
	} else {
		found, err = n.findVia(ctx, c.Via.ID, find)
	}
	switch {
	case fault.CodeOf(err) == fault.Refused:
		return ring.Located{Seq: c.Seq, Refused: true}
	case err != nil:
		return ring.TimedOut{Seq: c.Seq}
	default:
		info, err := n.book.learnOne(found.GetOwner().GetSelf())
		if err != nil {
			return ring.TimedOut{Seq: c.Seq}
		}
		return ring.Located{Seq: c.Seq, Node: info.Position, State: n.stateOf(peer.ID(c.Via.ID), found.GetOwner())}
	}
}

// Notify implements chord.RingCommands.
func (n ringCommands) Notify(ctx context.Context, c ring.Notify) {
	ctx, cancel := context.WithTimeout(ctx, n.patience(1))
	defer cancel()
	// An answer is not needed: a notify that is lost is made again by the next stabilize.
	_, _ = n.ring(ctx, c.To.ID, &pb.RingRequest{Body: &pb.RingRequest_Notify{Notify: &pb.Notify{From: n.description()}}})
}

// ring asks one ring request of the peer with this ID.
func (n *Node) ring(ctx context.Context, to ring.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
	id := peer.ID(to)
	n.book.prepare(id)
	resp, err := n.client.Ring(ctx, id, req)
	n.clocks.note(id, resp.GetTimeMs(), n.clock())
	return resp, err
}

// maxNeighbours bounds the predecessors and the successors that are taken from one answer. A peer has eight of each.
const maxNeighbours = 16

// stateOf turns a message of the peer from into the ring's terms. Descriptions that don't hold are
// left out, which makes a list shorter, never wrong.
func (n *Node) stateOf(from peer.ID, m *pb.Neighbours) ring.State {
	_, _ = n.book.learnFrom(from, m.GetSelf())
	preds, succs := m.GetPredecessors(), m.GetSuccessors()
	return ring.State{
		Preds:        n.book.learn(preds[:min(len(preds), maxNeighbours)]...),
		Succs:        n.book.learn(succs[:min(len(succs), maxNeighbours)]...),
		Incorporated: m.GetIncorporated(),
	}
}

// neighboursOf is the inverse of stateOf for this node itself.
func (n *Node) neighboursOf(s ring.State, joined bool) *pb.Neighbours {
	return &pb.Neighbours{
		Self: n.description(), Predecessors: n.describe(s.Preds), Successors: n.describe(s.Succs),
		Incorporated: s.Incorporated, Joined: joined, StoreFailed: n.storeFailed(),
	}
}

// describeOne returns what is known of p: its ID only when no more is.
func (n *Node) describeOne(p ring.Position) *pb.Peer {
	if p == n.self {
		return n.description()
	}
	return n.book.message(p)
}

// describe returns the descriptions of those that are known; this node's own always is.
func (n *Node) describe(ps []ring.Position) []*pb.Peer {
	out := make([]*pb.Peer, 0, len(ps))
	for _, p := range ps {
		if p == n.self {
			out = append(out, n.description())
		} else if info, ok := n.book.info(p.ID); ok {
			out = append(out, info.Message)
		}
	}
	return out
}
