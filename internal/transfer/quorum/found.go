package quorum

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
)

// Found is the record of a file.
type Found struct {
	Record   *protocol.Record // nil if From says that there is none, or its answer is not valid
	Siblings []*protocol.Record
	Holders  []peer.ID
	From     peer.ID
	// Reply has the bytes of the first block, if they were asked for and came. It is nil if there
	// are none.
	Reply *request.Reply

	grant   *pb.GrantID // nil when the owner has asked its witness by itself
	invalid bool        // From has shown a record that is not valid, or not the one asked for
}

// Close must be called.
func (f *Found) Close() {
	if f != nil && f.Reply != nil {
		f.Reply.Close()
		f.Reply = nil
	}
}

// witness is the peer that an owner names as its predecessor; empty if it names none.
func (f *Found) witness() peer.ID {
	if len(f.Holders) < 2 || f.Holders[0] != f.From {
		return ""
	}
	return f.Holders[1]
}

// agrees reports whether the witness says the same as the owner: the grant, if the owner has named
// one, and the version.
func (f *Found) agrees(v replica.Vote) bool {
	grant := v.Grant
	if f.grant != nil {
		grant = protocol.GrantID(f.grant)
	}
	return v.Agrees(grant, protocol.StampOf(f.Record))
}

// shown is what the answer says, in replica's terms.
func (f *Found) shown() replica.Shown {
	switch {
	case f == nil || f.invalid:
		return replica.Shown{}
	case f.Record == nil:
		return replica.Shown{Answered: true}
	default:
		return replica.Shown{Answered: true, Version: protocol.Lineage(f.Record.RecordBody).Version, Deleted: f.Record.GetDeleted()}
	}
}

// records are all versions of the answer, the current one first.
func (f *Found) records() []*protocol.Record {
	if f == nil || f.Record == nil {
		return nil
	}
	return append([]*protocol.Record{f.Record}, f.Siblings...)
}

// of returns the version that a reader has named, if this answer has it.
func (f *Found) of(v *pb.Version) *Found {
	for _, rec := range f.records() {
		if !rec.GetDeleted() && protocol.CompareVersions(rec.Version(), v) == 0 {
			return &Found{Record: rec, Holders: f.Holders, From: f.From}
		}
	}
	return nil
}

// ask asks one peer for a record, and verifies what it answers.
func (r *Reader) ask(ctx context.Context, to peer.ID, get *pb.Get) (*Found, error) {
	reply, err := r.cfg.Call(ctx, to, &pb.FileRequest{Body: &pb.FileRequest_Get{Get: get}}, nil)
	if err != nil {
		if reply != nil {
			reply.Close()
		}
		return nil, err
	}
	found, err := r.verify(reply.GetGot(), get, to)
	if err != nil {
		err = fault.New(fault.Integrity, "%s: %w", to, err)
	} else if werr := r.cfg.Writers.CheckRecord(found.Record); werr != nil {
		err = fault.New(fault.TryAgain, "a peer shows a version that doesn't count; try again: %w", werr)
	}
	if err != nil {
		reply.Close()
		return nil, err
	}
	found.Reply = reply
	return found, nil
}

// hasNothing reports whether err says that a peer has no such record, or has shown none that is
// valid.
func hasNothing(err error) bool {
	return fault.CodeOf(err) == fault.NotFound || fault.CodeOf(err) == fault.Integrity
}

// nothing is the answer of a peer that, as err says, has shown no valid record.
func nothing(from peer.ID, err error) *Found {
	return &Found{From: from, invalid: fault.CodeOf(err) == fault.Integrity}
}

// verify checks signatures, and that the answer is about what was asked for.
func (r *Reader) verify(got *pb.Got, get *pb.Get, from peer.ID) (*Found, error) {
	rec, err := protocol.VerifyRecord(got.GetRecord())
	if err != nil {
		return nil, err
	}
	if rec.GetName() != get.GetName() || rec.GetIndex() != 0 || rec.GetDeleted() && !get.GetTombstone() && !get.GetHeld() ||
		get.GetVersion() != nil && protocol.CompareVersions(rec.Version(), get.GetVersion()) != 0 {
		return nil, fault.New(fault.Integrity, "a peer answered with the record of another file")
	}
	found := &Found{Record: rec, From: from, grant: got.GetGrant()}
	for _, m := range got.GetSiblings() {
		s, err := protocol.VerifyRecord(m)
		if err == nil && s.GetName() == rec.GetName() && s.GetIndex() == 0 && r.cfg.Writers.CheckRecord(s) == nil {
			found.Siblings = append(found.Siblings, s)
		}
	}
	holders, all := r.learnAll(got.GetHolders())
	found.Holders = holders
	if w := found.witness(); all && w != "" && !get.GetHeld() {
		r.witnesses.note(from, w)
	}
	return found, nil
}
