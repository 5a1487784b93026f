package bootstrap

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/bootstrap/roster"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// maxAnswer bounds the peers of one answer in bytes, with room for what is around them.
const maxAnswer = protocol.MaxBootstrapMessage - 4096

// handle answers one request. from is proved by the connection.
func (p *Peer) handle(ctx context.Context, from peer.ID, req *pb.BootstrapRequest) (*pb.BootstrapResponse, error) {
	now := time.Now()
	if req.GetIntroduce() != nil {
		p.acl.introduced(from)
	}
	if err := p.inTurn(now, from); err != nil {
		return nil, err
	}
	// Who may be told to found a ring is asked first whether it speaks the ring's protocol.
	answers := req.GetRegister() != nil && p.mayBeFirst(from) && p.neighbors(ctx, ring.ID(from)) != nil
	p.mu.Lock()
	defer p.mu.Unlock()
	now = time.Now()
	switch r := req.GetBody().(type) {
	case *pb.BootstrapRequest_Register:
		return p.register(now, r.Register, answers)
	case *pb.BootstrapRequest_Introduce:
		return p.introduced(p.roster.IntroduceClient(now, ring.Key(r.Introduce.GetKey()))), nil
	case *pb.BootstrapRequest_Heartbeat:
		return nil, p.beat(now, from, r.Heartbeat)
	case *pb.BootstrapRequest_Goodbye:
		p.note(now, p.roster.Goodbye(ring.ID(from)))
		return nil, nil //nolint:nilnil // an empty answer means "done"
	case *pb.BootstrapRequest_Roster:
		return p.part(r.Roster), nil
	}
	return nil, fault.New(fault.Usage, "this bootstrap peer doesn't know that request")
}

// inTurn refuses a request of a peer that asks too often.
func (p *Peer) inTurn(now time.Time, from peer.ID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if wait := p.pace.take(now, from); wait > 0 {
		wait = max(wait.Round(time.Millisecond), time.Millisecond)
		return fault.Later(wait, "too many requests of one peer, more than %d at once or one in %v: wait %v", paceBurst, p.pace.refill, wait)
	}
	return nil
}

func (p *Peer) register(now time.Time, req *pb.Register, answers bool) (*pb.BootstrapResponse, error) {
	info, err := p.ring.Parse(req.GetSelf())
	if err != nil {
		return nil, err
	}
	in, err := p.roster.Register(now, info, answers)
	if err != nil {
		return nil, err
	}
	return p.introduced(in), nil
}

func (p *Peer) beat(now time.Time, from peer.ID, req *pb.Heartbeat) error {
	var info *protocol.PeerInfo
	if req.GetSelf() != nil {
		i, err := p.ring.Parse(req.GetSelf())
		if err != nil {
			return err
		}
		info = &i
		p.dirty = true
	}
	if err := p.roster.Beat(now, ring.ID(from), info, req.GetJoined()); err != nil {
		return err
	}
	if p.roster.Unconfirmed(ring.ID(from)) {
		p.wakeUp()
	}
	return nil
}

// mayBeFirst reports whether there is no member, so that a newcomer may be told to found a ring.
func (p *Peer) mayBeFirst(id peer.ID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.roster.HasOthers(ring.ID(id))
}

func (p *Peer) introduced(in roster.Introduction) *pb.BootstrapResponse {
	out := &pb.Introduced{
		HeartbeatMs: uint32(p.cfg.Heartbeat.Milliseconds()),
		Found:       in.Found,
		Settling:    in.Settling,
		Members:     uint32(p.roster.MemberCount()),
	}
	for _, i := range in.Peers {
		out.Peers = append(out.Peers, i.Message)
	}
	return &pb.BootstrapResponse{Body: &pb.BootstrapResponse_Introduced{Introduced: out}}
}

// part returns the members after req.After, as many as were asked for and fit.
func (p *Peer) part(req *pb.GetRoster) *pb.BootstrapResponse {
	limit := int(req.GetLimit())
	if limit == 0 || limit > protocol.MaxRoster {
		limit = protocol.MaxRoster
	}
	out := &pb.Roster{}
	size := 0
	for _, i := range p.roster.MembersAfter(ring.ID(req.GetAfter())) {
		n := proto.Size(i.Message) + 8 // its tag and length
		if len(out.Peers) == limit || size+n > maxAnswer {
			out.More = true
			break
		}
		size += n
		out.Peers = append(out.Peers, i.Message)
	}
	return &pb.BootstrapResponse{Body: &pb.BootstrapResponse_Roster{Roster: out}}
}
