package chord

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// Serve answers one request of the ring protocol.
func (d *Driver) Serve(ctx context.Context, from peer.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
	switch body := req.GetBody().(type) {
	case *pb.RingRequest_Ping:
		return &pb.RingResponse{}, d.servePing(ctx, body.Ping)
	case *pb.RingRequest_Neighbours:
		state, err := d.serveNeighbors(ctx, from, body.Neighbours)
		return &pb.RingResponse{Body: &pb.RingResponse_Neighbours{Neighbours: state}}, err
	case *pb.RingRequest_Notify:
		if info, err := d.book.LearnFrom(from, body.Notify.GetFrom()); err == nil && info.ID == from {
			d.Notified(info.Position)
		}
		return &pb.RingResponse{}, nil
	case *pb.RingRequest_Find:
		found, err := d.serveFind(ctx, body.Find)
		return &pb.RingResponse{Body: &pb.RingResponse_Found{Found: found}}, err
	case *pb.RingRequest_Depart:
		return &pb.RingResponse{}, d.serveDepart(from, body.Depart)
	default:
		return nil, fault.New(fault.Usage, "unknown request")
	}
}

// servePing answers for this node, or tries another peer for the asker.
func (d *Driver) servePing(ctx context.Context, ping *pb.Ping) error {
	if len(ping.GetTarget()) == 0 {
		return nil
	}
	target := ring.ID(ping.GetTarget())
	if target == d.cfg.Self.ID {
		return nil
	}
	if _, ok := d.book.Info(target); !ok {
		return fault.New(fault.TryAgain, "the target is not known here")
	}
	ctx, cancel := d.env.WithTimeout(ctx, d.Patience(1)*4/5) // so that the asker hears of a failure
	defer cancel()
	if _, err := d.send(ctx, target, &pb.RingRequest{Body: &pb.RingRequest_Ping{Ping: &pb.Ping{}}}); err != nil {
		return fault.New(fault.NotFound, "the target does not answer here either")
	}
	return nil
}

// serveNeighbors answers with the state. A member's query is a step of the ring and
// goes through the machine, which may be busy; an observer gets what is visible.
func (d *Driver) serveNeighbors(ctx context.Context, from peer.ID, req *pb.GetNeighbours) (*pb.Neighbours, error) {
	if req.GetFrom() == nil {
		v := d.Snapshot().View
		return d.Neighbors(v.State(), v.Joined()), nil
	}
	info, err := d.book.LearnFrom(from, req.GetFrom())
	if err != nil {
		return nil, err
	}
	state, joined, err := d.queried(ctx, info.Position)
	if err != nil {
		return nil, err
	}
	return d.Neighbors(state, joined), nil
}

func (d *Driver) serveDepart(from peer.ID, m *pb.Depart) error {
	info, err := d.book.LearnFrom(from, m.GetFrom().GetSelf())
	if err != nil {
		return err
	}
	if info.ID != from {
		return fault.New(fault.NotAllowed, "a peer can only announce its own departure")
	}
	var state ring.State
	neighbor := d.IsNeighbor(from)
	if neighbor { // from anybody else, whom it names as neighbors is not learned
		state = d.State(from, m.GetFrom())
	}
	if m.GetIncomplete() && neighbor && d.cfg.LeftBehind != nil {
		d.cfg.LeftBehind(info.ID)
	}
	d.departed(info.Position, state, m.GetIncomplete())
	return nil
}
