package node

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// carryOut starts one command of the ring; its outcome comes back as an event.
func (l *loop) carryOut(c ring.Command) {
	n := l.node
	switch c := c.(type) {
	case ring.Query:
		n.work("query", func(ctx context.Context) { n.query(ctx, c) }, n.timedOut(c.Seq))
	case ring.Ping:
		n.work("ping", func(ctx context.Context) { n.ping(ctx, c) }, n.timedOut(c.Seq))
	case ring.Lookup:
		n.work("lookup", func(ctx context.Context) { n.lookup(ctx, c) }, n.timedOut(c.Seq))
	case ring.Notify:
		n.work("notify", func(ctx context.Context) { n.notify(ctx, c) }, nil)
	}
}

// timedOut tells the ring that a command has come to nothing.
func (n *Node) timedOut(seq uint64) func() {
	return func() { n.step(ring.TimedOut{Seq: seq}) }
}

func (n *Node) step(in ring.Input) { n.post(func(l *loop) { l.step(in) }) }

// patience is the time that a query may take: half a heartbeat, a second at least, times the factor
// by which the ring doubts this node's own health.
func (n *Node) patience(factor uint32) time.Duration {
	return time.Duration(max(1, factor)) * max(n.cfg.Heartbeat/2, time.Second)
}

func (n *Node) query(ctx context.Context, c ring.Query) {
	ctx, cancel := context.WithTimeout(ctx, n.patience(c.Patience))
	defer cancel()
	resp, err := n.ring(ctx, c.To.ID, &pb.RingRequest{Body: &pb.RingRequest_Neighbours{
		Neighbours: &pb.GetNeighbours{From: n.description()},
	}})
	switch {
	case fault.CodeOf(err) == fault.Busy:
		n.step(ring.WasBusy{Seq: c.Seq})
	case err != nil:
		n.step(ring.TimedOut{Seq: c.Seq})
	default:
		state := n.stateOf(peerID(c.To), resp.GetNeighbours())
		if n.moved(c.To) {
			n.step(ring.TimedOut{Seq: c.Seq})
			return
		}
		n.step(ring.Answered{Seq: c.Seq, State: state})
	}
}

// moved reports whether the peer of position p has come back with another ring address: nobody is at p any more.
func (n *Node) moved(p ring.Position) bool {
	info, ok := n.book.info(p.ID)
	return ok && info.Position != p
}

func (n *Node) ping(ctx context.Context, c ring.Ping) {
	ctx, cancel := context.WithTimeout(ctx, n.patience(c.Patience))
	defer cancel()
	to, ping := c.To.ID, &pb.Ping{}
	if c.Via.IsNode() {
		to, ping.Target = c.Via.ID, []byte(c.To.ID)
	}
	_, err := n.ring(ctx, to, &pb.RingRequest{Body: &pb.RingRequest_Ping{Ping: ping}})
	if err == nil && !n.moved(c.To) {
		n.step(ring.Ponged{Seq: c.Seq})
		return
	}
	n.step(ring.TimedOut{Seq: c.Seq, Refuted: c.Via.IsNode() && (err == nil || fault.CodeOf(err) == fault.NotFound)})
}

func (n *Node) lookup(ctx context.Context, c ring.Lookup) {
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
		n.step(ring.Located{Seq: c.Seq, Refused: true})
	case err != nil:
		n.step(ring.TimedOut{Seq: c.Seq})
	default:
		info, err := n.book.learnOne(found.GetOwner().GetSelf())
		if err != nil {
			n.step(ring.TimedOut{Seq: c.Seq})
			return
		}
		n.step(ring.Located{Seq: c.Seq, Node: info.Position, State: n.stateOf(peer.ID(c.Via.ID), found.GetOwner())})
	}
}

func (n *Node) notify(ctx context.Context, c ring.Notify) {
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
