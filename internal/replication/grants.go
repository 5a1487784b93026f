package replication

import (
	"context"
	"maps"
	"math"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// serveGrant answers, as the predecessor, a request for the grant of an arc.
func (n *Node) serveGrant(ctx context.Context, from peer.ID, g *pb.GetGrant) (*pb.FileResponse, error) {
	info, err := n.claimant(from, g.GetFrom())
	if err != nil {
		return nil, err
	}
	ans, err := n.ring.GrantAsked(ctx, info.Position)
	if err != nil {
		return nil, err
	}
	if !ans.OK {
		e := &protocol.Elsewhere{Code: fault.NotSuccessor}
		if known := n.peers.Describe([]ring.Position{ans.Better}); len(known) > 0 {
			e.Better = known[0]
		}
		return nil, e
	}
	granted := &pb.Granted{Id: protocol.GrantMessage(ans.ID), Copies: uint32(n.cfg.Copies)} //nolint:gosec // 1 to 8
	if preds := n.peers.Describe([]ring.Position{ans.Pred}); len(preds) > 0 {
		granted.Predecessor = preds[0]
	}
	return &pb.FileResponse{Body: &pb.FileResponse_Granted{Granted: granted}}, nil
}

// serveClaim says whether this node objects to another owning an arc.
func (n *Node) serveClaim(ctx context.Context, from peer.ID, c *pb.Claim) (*pb.FileResponse, error) {
	info, err := n.claimant(from, c.GetFrom())
	if err != nil {
		return nil, err
	}
	verify := n.peers.Parse
	// From anybody else, whom it names as its predecessor is not learned.
	if n.peers.IsNeighbor(from) {
		verify = n.peers.Learn
	}
	pred, err := verify(c.GetPredecessor())
	if err != nil {
		return nil, err
	}
	ans, view, err := n.ring.ClaimAsked(ctx, info.Position, pred.Position, protocol.GrantID(c.GetGrant()))
	if err != nil {
		return nil, err
	}
	if ans.Owns { // it gets to know its new predecessor the usual way
		n.peers.Notified(info.Position)
	}
	at := n.quarantine.For(pred.Position, info.Position, n.ring.Snapshot())
	claimed := &pb.Claimed{
		Owns: ans.Owns, Authority: ans.Authority, Neighbours: n.peers.Neighbors(view.State(), view.Joined()),
		Continuous: at.Continuous, Aside: at.Quarantined, ConfirmedAgoMs: uint64(at.ConfirmedAgo), StoppedAgoMs: uint64(at.StoppedAgo),
	}
	if g := n.peers.Describe([]ring.Position{ans.Grantee}); len(g) > 0 {
		claimed.Grantee = g[0]
	}
	return &pb.FileResponse{Body: &pb.FileResponse_Claimed{Claimed: claimed}}, nil
}

// claimant checks that a request among members comes from the peer that it names.
func (n *Node) claimant(from peer.ID, d *pb.Peer) (protocol.PeerInfo, error) {
	info, err := n.peers.LearnFrom(from, d)
	if err == nil && info.ID != from {
		err = fault.New(fault.NotAllowed, "a member can only speak for itself")
	}
	return info, err
}

// AskGrant asks the predecessor for the grant of the arc.
func (n *Node) AskGrant(ctx context.Context, to ring.Position) (ans replica.GrantAnswer, answered bool) {
	ctx, cancel := n.env.WithTimeout(ctx, n.cfg.Heartbeat)
	defer cancel()
	r, err := n.Call(ctx, peerID(to), &pb.FileRequest{Body: &pb.FileRequest_Grant{Grant: &pb.GetGrant{From: n.peers.Self()}}}, nil)
	if err == nil {
		defer r.Close()
		g := r.GetGranted()
		ans = replica.GrantAnswer{OK: true, ID: protocol.GrantID(g.GetId())}
		if g.GetPredecessor() != nil {
			if info, err := n.peers.Learn(g.GetPredecessor()); err == nil {
				ans.Pred = info.Position
			}
		}
	}
	return ans, err == nil || fault.CodeOf(err) == fault.NotSuccessor
}

// ConfirmGrant takes in what is in quarantine, if the action says so, and asks whether the grant is
// still valid.
func (n *Node) ConfirmGrant(ctx context.Context, c replica.ConfirmGrant) (replica.GrantAnswer, bool) {
	n.quarantine.Believe(ctx, c)
	return n.AskGrant(ctx, c.Grant.From)
}

// AskClaim asks a holder whether it objects to this node owning its arc.
func (n *Node) AskClaim(ctx context.Context, c replica.AskClaim) (ans replica.ClaimAnswer, answered bool) {
	ctx, cancel := n.env.WithTimeout(ctx, n.claimPatience(c.To))
	defer cancel()
	r, err := n.Call(ctx, peerID(c.To), &pb.FileRequest{Body: &pb.FileRequest_Claim{Claim: &pb.Claim{
		From: n.peers.Self(), Predecessor: n.peers.DescribeOne(c.Grant.From), Grant: protocol.GrantMessage(c.Grant.ID),
	}}}, nil)
	if err == nil {
		defer r.Close()
		m := r.GetClaimed()
		ans = replica.ClaimAnswer{Owns: m.GetOwns(), Authority: m.GetAuthority(), Preds: n.peers.State(peerID(c.To), m.GetNeighbours()).Preds}
		ans.Attestation = replica.Attestation{
			Continuous: m.GetContinuous(), Quarantined: m.GetAside(),
			ConfirmedAgo: toldMillis(m.GetConfirmedAgoMs()), StoppedAgo: toldMillis(m.GetStoppedAgoMs()),
		}
		if m.GetGrantee() != nil {
			if info, err := n.peers.Learn(m.GetGrantee()); err == nil {
				ans.Grantee = info.Position
			}
		}
	}
	n.claimTimeouts.note(c.To, err == nil, n.env.Now())
	return ans, err == nil
}

// toldMillis is a duration that a peer tells. Nothing is older than the epoch.
func toldMillis(told uint64) int64 { return int64(min(told, math.MaxInt64/2)) }

// claimTimeouts remembers the holders that have not answered a claim lately. It is safe for
// concurrent use.
type claimTimeouts struct {
	mu   sync.Mutex
	when map[ring.Position]time.Time
}

// note records the outcome of a claim at p.
func (m *claimTimeouts) note(p ring.Position, answered bool, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if answered {
		delete(m.when, p)
		return
	}
	if m.when == nil {
		m.when = make(map[ring.Position]time.Time)
	}
	if len(m.when) >= maxClaimTimeouts {
		maps.DeleteFunc(m.when, func(_ ring.Position, at time.Time) bool { return now.Sub(at) > time.Minute })
	}
	if len(m.when) < maxClaimTimeouts {
		m.when[p] = now
	}
}

// maxClaimTimeouts bounds the holders that are remembered. Others are waited for longer.
const maxClaimTimeouts = 256

func (m *claimTimeouts) within(p ring.Position, d time.Duration, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.when[p]
	return ok && now.Sub(at) < d
}

// claimPatience is how long a holder has to answer a claim: a heartbeat, or less if it is most
// likely gone. Where the network drops packets only time tells that, and every attempt to sync
// would take that time again.
func (n *Node) claimPatience(p ring.Position) time.Duration {
	switch {
	case n.ring.Snapshot().View.Suspected(p):
		return n.cfg.Heartbeat / 10 // a living one on an open connection answers in that time
	case n.claimTimeouts.within(p, 10*n.cfg.Heartbeat, n.env.Now()) && !n.peers.Connected(peerID(p)):
		return n.cfg.Heartbeat / 3 // it did not answer before, and there is no connection to it
	default:
		return n.cfg.Heartbeat
	}
}
