package replication

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// serveGet reads a file's record as its owner. It answers when the witness has confirmed that the
// grant is valid, unless the reader asks the witness itself at the same time. See "Get" in
// docs/replication.md.
func (n *Node) serveGet(ctx context.Context, from peer.ID, g *pb.Get) (*pb.FileResponse, *protocol.Payload, error) {
	if g.GetHeld() {
		resp, err := n.serveHeld(g.GetName())
		return resp, nil, err
	}
	if g.GetTombstone() && n.commits.InProgress(g.GetName()) {
		return nil, nil, fault.New(fault.TryAgain, "a version of %q is being stored just now; try again", g.GetName())
	}
	if len(g.GetLeast()) > 0 {
		n.catchUp(ctx, g)
	}
	s, ks, grant, err := n.forReader(ctx, from, g)
	if err != nil {
		return nil, nil, err
	}
	k, err := records.Choose(ks, g.GetVersion(), g.GetTombstone())
	if err != nil {
		return nil, nil, cutOff(s, err)
	}
	siblings, all := records.Siblings(ks, k)
	if !all && g.GetTombstone() {
		return nil, nil, errTooManyVersions
	}
	got := &pb.Got{Record: k.Message, Siblings: siblings, Holders: n.peers.Describe(n.arc.Holders(s, k)), Grant: grant}
	resp := &pb.FileResponse{Body: &pb.FileResponse_Got{Got: got}}
	if !g.GetWithBody() || k.Entry.Size == 0 {
		return resp, nil, nil
	}
	payload, err := n.blocks.Raw(k.Entry.Block, store.User)
	if err != nil {
		return resp, nil, nil //nolint:nilerr // the reader gets the block from another holder
	}
	return resp, payload, nil
}

// forReader returns the records of a file that a reader asks for. They are confirmed, unless the
// reader asks the witness itself: then they come unconfirmed, with the grant under which this node
// owns them. That is possible only for the current version of a file that exists.
func (n *Node) forReader(ctx context.Context, from peer.ID, g *pb.Get) (s *chord.Snapshot, ks []records.Stored, grant *pb.GrantID, err error) {
	if g.GetUnconfirmed() && g.GetVersion() == nil {
		s, ks, err = n.present(ctx, records.FilePlace(g.GetName()))
		if err != nil {
			return nil, nil, nil, err
		}
		if len(ks) > 0 && !ks[0].GetDeleted() && !s.Grants.Alone() {
			return s, ks, protocol.GrantMessage(s.Grants.Grant.ID), nil
		}
	}
	s, ks, err = n.confirmed(ctx, g.GetName(), readerVote{from, g.GetWitness()})
	return s, ks, nil, err
}

// present returns the records of a file at a moment when this node considers itself its owner.
func (n *Node) present(ctx context.Context, at store.Place) (*chord.Snapshot, []records.Stored, error) {
	s, err := n.arc.Serving(ctx, ring.Key(at.Key))
	if err != nil {
		return nil, nil, err
	}
	ks, err := n.currentVersions(at)
	return s, ks, err
}

// cutOff turns "not found" into "can't tell" at a node that may be cut off from those that have the
// file.
func cutOff(s *chord.Snapshot, err error) error {
	if s.Grants.Degraded && fault.CodeOf(err) == fault.NotFound {
		return fault.New(fault.TryAgain, "this node is the last of its ring that it can reach, and does not have the file: another may have it; start one of those, and try again")
	}
	return err
}

// confirmed returns the records of a file, the current version first, as they were at some moment
// after the call at which this node was the owner. The witness has what it returns.
func (n *Node) confirmed(ctx context.Context, name string, w readerVote) (*chord.Snapshot, []records.Stored, error) {
	if err := protocol.ValidName(name); err != nil {
		return nil, nil, err
	}
	ctx, cancel := n.env.WithTimeout(ctx, n.cfg.Timeout)
	defer cancel()
	at := records.FilePlace(name)
	for {
		s, ks, err := n.present(ctx, at)
		if err != nil {
			return nil, nil, err
		}
		if s.Grants.Alone() || w.confirms(s, ks) {
			return s, ks, nil
		}
		if err = n.confirm(ctx, s, name, ks); err == nil && n.arc.StillServing(s, ring.Key(at.Key)) {
			return s, ks, nil
		}
		switch {
		case err == nil:
		case fault.CodeOf(err) == fault.Refused:
			n.ring.Refused(s.Grants.Grant)
		case fault.CodeOf(err) == fault.NoSpace: // it is there, and has no room for the record
		default:
			n.ring.Step(ring.Unreachable{Peer: s.Grants.Grant.From})
		}
		if n.arc.Changed(ctx, s) != nil {
			return nil, nil, fault.New(fault.TryAgain, "the predecessor does not confirm that this node owns %q; the ring may be changing", name)
		}
	}
}

// confirm asks the witness, and sends it the version first if it lacks it.
func (n *Node) confirm(ctx context.Context, s *chord.Snapshot, name string, ks []records.Stored) error {
	g := s.Grants.Grant
	c := &pb.Confirm{Grant: protocol.GrantMessage(g.ID), Name: name}
	if len(ks) > 0 {
		c.Stamp = []byte(ks[0].Entry.Stamp)
	}
	r, err := n.Call(ctx, peerID(g.From), &pb.FileRequest{Body: &pb.FileRequest_Confirm{Confirm: c}}, nil)
	if err != nil {
		return err
	}
	need := r.GetNeed()
	r.Close()
	if !need {
		return nil
	}
	rec, err := protocol.VerifyRecord(ks[0].Message)
	if err != nil {
		return err
	}
	if err = n.sendStore(ctx, g.From, rec, &pb.Store{Record: rec.Message, Grant: c.GetGrant()}, nil); fault.CodeOf(err) == fault.NoSpace {
		return n.sendBare(ctx, g, rec)
	}
	return err
}

// errTooManyVersions answers a holder that asks which versions use a block: it must not take a
// version that is left out for one that does not exist.
var errTooManyVersions = fault.New(fault.TryAgain, "the file has more versions than an answer may name")
