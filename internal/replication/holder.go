package replication

import (
	"context"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// peerID is the libp2p identity of the node at p.
func peerID(p ring.Position) peer.ID { return peer.ID(p.ID) }

// serveStore takes a copy in. As a witness it accepts only under its present grant,
// asked before, so that nothing is kept in vain, and after, when the copy is durable:
// whoever gets a new grant in between has not seen it. See "Put" in docs/replication.md.
func (n *Node) serveStore(ctx context.Context, from peer.ID, st *pb.Store, body Body) (*pb.FileResponse, error) {
	rec, err := protocol.VerifyRecord(st.GetRecord())
	if err != nil {
		return nil, err
	}
	if st.GetGrant() == nil {
		err = n.peers.CheckMember(ctx, from)
	} else {
		err = n.mayWitness(from, rec.Key(), st.GetGrant())
	}
	if err != nil {
		return nil, err
	}
	if st.GetGrant() != nil {
		n.foreground.moved()
	}
	var b *block
	if !st.GetRecordOnly() {
		if b, err = n.takeBlock(ctx, rec, body, membudget.Serve); err != nil {
			return nil, err
		}
		defer b.release()
	} else if rec.BlockSize() > 0 && rec.GetCopies() != 1 {
		b = n.inFlight.take(rec.BlockHash())
		defer b.release()
	}
	staged, err := n.stage(ctx, b, store.Cold)
	if st.GetRecordOnly() && fault.CodeOf(err) == fault.NoSpace {
		b, err = nil, nil // the record is all that is asked for
	}
	if err != nil {
		return nil, err
	}
	defer discard(staged)
	protocol.NoteProgress(ctx)
	if err := n.keep(ctx, rec, staged...); err != nil {
		return nil, n.noSpaceHere(err)
	}
	if st.GetRecordOnly() && b == nil && rec.BlockSize() > 0 && rec.GetCopies() != 1 {
		n.WakeFetch()
	}
	if err := n.mayWitness(from, rec.Key(), st.GetGrant()); err != nil {
		return nil, err
	}
	return &pb.FileResponse{}, nil
}

// mayWitness returns nil when no witness is asked for, or when this node is the one.
func (n *Node) mayWitness(from peer.ID, key ring.Key, id *pb.GrantID) error {
	if id == nil {
		return nil
	}
	s := n.ring.Snapshot()
	owner := s.Grants.Neighbors.Successor()
	if owner.ID != ring.ID(from) || s.Departing || !s.Grants.MayWitness(owner, key, protocol.GrantID(id)) {
		return fault.New(fault.Refused, "not under the present grant of this arc")
	}
	return nil
}

// serveConfirm tells an owner that is about to answer a read whether its grant still
// stands, and whether the version is one that the witness has too. See "Get" in docs/replication.md.
func (n *Node) serveConfirm(from peer.ID, c *pb.Confirm) (*pb.FileResponse, error) {
	at := filePlace(c.GetName())
	if err := n.mayWitness(from, ring.Key(at.Key), c.GetGrant()); err != nil {
		return nil, err
	}
	need := false
	if len(c.GetStamp()) > 0 {
		ks, err := n.currentVersions(at)
		if err != nil {
			return nil, err
		}
		need = len(ks) == 0 || ks[0].entry.Stamp < string(c.GetStamp())
	}
	return &pb.FileResponse{Need: need}, n.mayWitness(from, ring.Key(at.Key), c.GetGrant())
}

// serveGrant answers, as the predecessor, the request for the arc's grant.
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

// serveClaim says whether anything known here speaks against another owning an arc.
func (n *Node) serveClaim(ctx context.Context, from peer.ID, c *pb.Claim) (*pb.FileResponse, error) {
	info, err := n.claimant(from, c.GetFrom())
	if err != nil {
		return nil, err
	}
	verify := protocol.ParsePeer
	if n.peers.IsNeighbor(from) { // from anybody else, whom it names as its predecessor is not learned
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
	ans.Continuous, ans.Quarantined = n.continuousFor(pred.Position, info.Position, n.ring.Snapshot())
	claimed := &pb.Claimed{Continuous: ans.Continuous, Aside: ans.Quarantined, Owns: ans.Owns, Authority: ans.Authority, Neighbours: n.peers.Neighbors(view.State(), view.Joined())}
	if g := n.peers.Describe([]ring.Position{ans.Grantee}); len(g) > 0 {
		claimed.Grantee = g[0]
	}
	return &pb.FileResponse{Body: &pb.FileResponse_Claimed{Claimed: claimed}}, nil
}

// claimant verifies that a request among members comes from whom it says.
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

// AskClaim asks a holder whether anything speaks against this node owning its arc.
func (n *Node) AskClaim(ctx context.Context, c replica.AskClaim) (ans replica.ClaimAnswer, answered bool) {
	ctx, cancel := n.env.WithTimeout(ctx, n.claimPatience(c.To))
	defer cancel()
	r, err := n.Call(ctx, peerID(c.To), &pb.FileRequest{Body: &pb.FileRequest_Claim{Claim: &pb.Claim{
		From: n.peers.Self(), Predecessor: n.peers.DescribeOne(c.Grant.From), Grant: protocol.GrantMessage(c.Grant.ID),
	}}}, nil)
	if err == nil {
		defer r.Close()
		m := r.GetClaimed()
		ans = replica.ClaimAnswer{Owns: m.GetOwns(), Authority: m.GetAuthority(), Continuous: m.GetContinuous(), Quarantined: m.GetAside(), Preds: n.peers.State(peerID(c.To), m.GetNeighbours()).Preds}
		if m.GetGrantee() != nil {
			if info, err := n.peers.Learn(m.GetGrantee()); err == nil {
				ans.Grantee = info.Position
			}
		}
	}
	n.claimTimeouts.note(c.To, err == nil, n.env.Now())
	return ans, err == nil
}

// ConfirmGrant takes in what was in quarantine, and asks whether the grant still stands.
func (n *Node) ConfirmGrant(ctx context.Context, c replica.ConfirmGrant) (replica.GrantAnswer, bool) {
	n.believe(ctx, c)
	return n.AskGrant(ctx, c.Grant.From)
}

// distinct adds to nodes those of more that are new and not this node.
func (n *Node) distinct(nodes []ring.Position, more ...ring.Position) []ring.Position {
	for _, p := range more {
		if p.IsNode() && p != n.self && !slices.Contains(nodes, p) {
			nodes = append(nodes, p)
		}
	}
	return nodes
}
