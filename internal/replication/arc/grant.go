package arc

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// GrantStands asks the predecessor whether the grant is still valid. An owner that no user reads
// from or writes to would not notice otherwise that its predecessor has had another successor for a
// while.
func (a *Arc) GrantStands(ctx context.Context, s *chord.Snapshot) bool {
	g := s.Grants.Grant
	if g.From == a.cfg.Self {
		return true // it is alone
	}
	r, err := a.cfg.Call(ctx, peer.ID(g.From.ID), &pb.FileRequest{Body: &pb.FileRequest_Grant{Grant: &pb.GetGrant{From: a.cfg.Peers.Self()}}}, nil)
	switch {
	case err == nil:
		defer r.Close()
		if protocol.GrantID(r.GetGranted().GetId()) == g.ID {
			return true
		}
		a.cfg.Ring.Refused(g)
	case fault.CodeOf(err) == fault.NotSuccessor:
		a.cfg.Ring.Refused(g)
	default:
		a.cfg.Ring.Step(ring.Unreachable{Peer: g.From})
	}
	return false
}

// Unwitnessed reports to ring or arc why the witness has not accepted, and waits for a change.
func (a *Arc) Unwitnessed(ctx context.Context, s *chord.Snapshot, err error) error {
	if fault.CodeOf(err) == fault.Refused {
		a.cfg.Ring.Refused(s.Grants.Grant)
	} else {
		a.cfg.Ring.Step(ring.Unreachable{Peer: s.Grants.Grant.From})
	}
	return a.Changed(ctx, s)
}
