package replication

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/replication/localblocks"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// serveStore takes a copy in. A witness accepts it under its present grant only. It checks the
// grant before, so that it stores nothing in vain, and again when the copy is durable: a node that
// has got a new grant in between has not seen the copy. See "Put" in docs/replication.md.
func (n *Node) serveStore(ctx context.Context, from peer.ID, st *pb.Store, body Body) (*pb.FileResponse, error) {
	rec, err := protocol.VerifyRecord(st.GetRecord())
	if err == nil {
		err = n.cfg.Writers.CheckRecord(rec)
	}
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
		n.foreground.Moved()
	}
	var b *localblocks.Block
	if !st.GetRecordOnly() {
		if b, err = n.blocks.Take(ctx, rec, body, membudget.Serve); err != nil {
			return nil, err
		}
		defer b.Release()
	} else if rec.BlockSize() > 0 && rec.GetCopies() != 1 {
		b = n.blocks.InFlight(rec.BlockHash())
		defer b.Release()
	}
	staged, err := n.blocks.Stage(ctx, b, store.Cold)
	if st.GetRecordOnly() && fault.CodeOf(err) == fault.NoSpace {
		b, err = nil, nil // the record is all that is asked for
	}
	if err != nil {
		return nil, err
	}
	defer localblocks.Discard(staged)
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

// mayWitness returns nil if no witness is asked for, or if this node is the witness under the
// grant.
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

// serveConfirm tells an owner that is about to answer a read whether its grant is still valid, and
// whether the witness has the version too. See "Get" in docs/replication.md.
func (n *Node) serveConfirm(from peer.ID, c *pb.Confirm) (*pb.FileResponse, error) {
	at := records.FilePlace(c.GetName())
	if err := n.mayWitness(from, ring.Key(at.Key), c.GetGrant()); err != nil {
		return nil, err
	}
	need := false
	if len(c.GetStamp()) > 0 {
		ks, err := n.currentVersions(at)
		if err != nil {
			return nil, err
		}
		need = len(ks) == 0 || ks[0].Entry.Stamp < string(c.GetStamp())
	}
	return &pb.FileResponse{Need: need}, n.mayWitness(from, ring.Key(at.Key), c.GetGrant())
}

// A get of a file's record needs the vote of the witness. There are three ways to it: the owner
// asks for it; a reader that is the witness sends it in its request; or the reader asks owner and
// witness at the same time. See docs/decisions/0050.

// readerVote is the vote that a reader sends in its request as the witness.
type readerVote struct {
	from peer.ID
	vote *pb.Confirm
}

// confirms reports whether the reader is the witness, and says that the grant is valid and that it
// has the version about to be served.
func (w readerVote) confirms(s *chord.Snapshot, ks []records.Stored) bool {
	g := s.Grants.Grant
	if w.vote == nil || peerID(g.From) != w.from {
		return false
	}
	stamp := ""
	if len(ks) > 0 {
		stamp = ks[0].Entry.Stamp
	}
	return protocol.Vote(w.vote).Settles(g.ID, stamp)
}

// serveVote gives a reader the vote of this node as the witness of an owner.
func (n *Node) serveVote(a *pb.AskWord) (*pb.FileResponse, error) {
	w := n.Vote(a.GetName(), peer.ID(a.GetOwner()))
	if w == nil {
		return nil, fault.New(fault.Refused, "not the witness of that peer")
	}
	if a.GetHolders() {
		holders, _ := n.ring.Snapshot().View.Holders(ring.Key(records.FilePlace(a.GetName()).Key), n.cfg.Copies)
		w.Holders = n.peers.Describe(holders)
	}
	return &pb.FileResponse{Body: &pb.FileResponse_Word{Word: w}}, nil
}

// Vote is this node's vote on a file if it is the witness of the file's owner; else nil.
func (n *Node) Vote(name string, owner peer.ID) *pb.Confirm {
	at := records.FilePlace(name)
	s := n.ring.Snapshot()
	id := s.Grants.Granted
	if s.Departing || !s.Grants.MayWitness(s.Grants.Neighbors.Successor(), ring.Key(at.Key), id) || peerID(s.Grants.Neighbors.Successor()) != owner {
		return nil
	}
	ks, err := n.currentVersions(at)
	if err != nil {
		return nil
	}
	w := &pb.Confirm{Grant: protocol.GrantMessage(id), Name: name}
	if len(ks) > 0 {
		w.Stamp = []byte(ks[0].Entry.Stamp)
	}
	if n.ring.Snapshot().Grants.Granted != id {
		return nil
	}
	return w
}
