package node

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// serveRing answers one request of the ring protocol.
func (n *Node) serveRing(ctx context.Context, from peer.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
	resp, err := n.handleRing(ctx, from, req)
	if resp == nil {
		resp = &pb.RingResponse{}
	}
	resp.TimeMs = n.told()
	return resp, err
}

// handleRing finds the handler of a request.
func (n *Node) handleRing(ctx context.Context, from peer.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
	switch body := req.GetBody().(type) {
	case *pb.RingRequest_Ping:
		return &pb.RingResponse{}, n.servePing(ctx, body.Ping)
	case *pb.RingRequest_Neighbours:
		state, err := n.serveNeighbours(ctx, from, body.Neighbours)
		return &pb.RingResponse{Body: &pb.RingResponse_Neighbours{Neighbours: state}}, err
	case *pb.RingRequest_Notify:
		if info, err := n.book.learnFrom(from, body.Notify.GetFrom()); err == nil && info.ID == from {
			n.notified(info.Position)
		}
		return &pb.RingResponse{}, nil
	case *pb.RingRequest_Find:
		found, err := n.serveFind(ctx, body.Find)
		return &pb.RingResponse{Body: &pb.RingResponse_Found{Found: found}}, err
	case *pb.RingRequest_Depart:
		return &pb.RingResponse{}, n.serveDepart(from, body.Depart)
	default:
		return nil, fault.New(fault.Usage, "unknown request")
	}
}

// servePing answers for this node, or tries another peer for the asker.
func (n *Node) servePing(ctx context.Context, ping *pb.Ping) error {
	if len(ping.GetTarget()) == 0 {
		return nil
	}
	target := ring.ID(ping.GetTarget())
	if target == n.self.ID {
		return nil
	}
	if _, ok := n.book.info(target); !ok {
		return fault.New(fault.TryAgain, "the target is not known here")
	}
	ctx, cancel := context.WithTimeout(ctx, n.patience(1)*4/5) // so that the asker hears of a failure
	defer cancel()
	if _, err := n.ring(ctx, target, &pb.RingRequest{Body: &pb.RingRequest_Ping{Ping: &pb.Ping{}}}); err != nil {
		return fault.New(fault.NotFound, "the target does not answer here either")
	}
	return nil
}

// serveNeighbours answers with the state. A member's query is a step of the ring and
// goes through the machine, which may be busy; an observer gets what is visible.
func (n *Node) serveNeighbours(ctx context.Context, from peer.ID, req *pb.GetNeighbours) (*pb.Neighbours, error) {
	if req.GetFrom() == nil {
		v := n.state.Load().View
		return n.neighboursOf(v.State(), v.Joined()), nil
	}
	info, err := n.book.learnFrom(from, req.GetFrom())
	if err != nil {
		return nil, err
	}
	state, joined, err := n.driver().Queried(ctx, info.Position)
	if err != nil {
		return nil, err
	}
	return n.neighboursOf(state, joined), nil
}

func (n *Node) serveDepart(from peer.ID, d *pb.Depart) error {
	info, err := n.book.learnFrom(from, d.GetFrom().GetSelf())
	if err != nil {
		return err
	}
	if info.ID != from {
		return fault.New(fault.NotAllowed, "a peer can only announce its own departure")
	}
	var state ring.State
	neighbor := n.isNeighbor(from)
	if neighbor { // from anybody else, whom it names as neighbors is not learned
		state = n.stateOf(from, d.GetFrom())
	}
	if d.GetIncomplete() && neighbor {
		n.left.add(info.ID)
		n.wakeFetch()
	}
	n.driver().Departed(info.Position, state, d.GetIncomplete())
	return nil
}

// maxHops bounds how often a lookup is passed on: twice what the largest ring needs.
const maxHops = 32

// serveFind answers a lookup, passing it on as long as its time lasts.
func (n *Node) serveFind(ctx context.Context, f *pb.Find) (*pb.Found, error) {
	if f.GetKey() > 0xffff {
		return nil, fault.New(fault.Usage, "a key has 16 bits")
	}
	if ms := f.GetTimeoutMs(); ms > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(min(ms, protocol.MaxTimeout))*time.Millisecond)
		defer cancel()
	}
	return n.find(ctx, f)
}

// find is recursive routing: answer when the target is this node's, else ask the
// best next peer, and the next best when that one can't be reached. An answer of
// the one asked, also a failure, is passed back, so that a lookup
// doesn't spread.
func (n *Node) find(ctx context.Context, f *pb.Find) (*pb.Found, error) {
	v := n.state.Load().View
	target := ring.Position{Key: ring.Key(f.GetKey()), ID: ring.ID(f.GetId())} //nolint:gosec // checked
	if !v.Joined() || (f.GetJoin() && !v.MaySponsor()) {
		return nil, fault.New(fault.Refused, "not an incorporated member of a ring")
	}
	if v.IsSuccessorOf(target) {
		found := &pb.Found{Owner: n.neighboursOf(v.State(), true)}
		if f.GetPath() {
			found.Path = []*pb.Peer{n.description()}
		}
		return found, nil
	}
	next := v.Toward(target)
	if f.GetLocal() {
		return &pb.Found{Next: n.describe(next[:min(len(next), 8)])}, nil
	}
	if f.GetHops() == 0 {
		return nil, fault.New(fault.TryAgain, "the lookup went through too many peers; the ring may be changing")
	}
	onward := &pb.Find{Key: f.GetKey(), Id: f.GetId(), Hops: f.GetHops() - 1, Path: f.GetPath(), Join: f.GetJoin()}
	for i, p := range next[:min(len(next), 4)] {
		// Half of the time that is left, so that others can still be asked.
		hop, cancel := ctx, context.CancelFunc(func() {})
		if deadline, ok := ctx.Deadline(); ok && i < 3 {
			hop, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
		}
		found, err := n.findVia(hop, p.ID, onward)
		cancel()
		if unreached(err) {
			n.step(ring.Unreachable{Peer: p})
			continue
		}
		if fault.CodeOf(err) == fault.Refused && !f.GetJoin() {
			continue // it is no member any more
		}
		if err != nil {
			return nil, err
		}
		found.Hops++
		if f.GetPath() {
			found.Path = append([]*pb.Peer{n.description()}, found.GetPath()...)
		}
		return found, nil
	}
	return nil, fault.New(fault.TryAgain, "no peer nearer to the key could be reached; the ring may be changing")
}

// findVia asks another peer to find.
func (n *Node) findVia(ctx context.Context, via ring.ID, f *pb.Find) (*pb.Found, error) {
	if deadline, ok := ctx.Deadline(); ok {
		f.TimeoutMs = uint32(max(1, min(time.Until(deadline).Milliseconds(), protocol.MaxTimeout))) //nolint:gosec // bounded
	}
	resp, err := n.ring(ctx, via, &pb.RingRequest{Body: &pb.RingRequest_Find{Find: f}})
	if err != nil {
		return nil, err
	}
	return resp.GetFound(), nil
}

// unreached reports whether err says that no answer came, rather than which one.
func unreached(err error) bool {
	switch fault.CodeOf(err) {
	case fault.Unreachable, fault.Failed:
		return true
	default:
		return false
	}
}
