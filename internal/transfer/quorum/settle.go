package quorum

import (
	"context"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// settle finds out what counts when owner and witness have not agreed, or the owner has nothing;
// then first is that answer. The owner is asked to have its answer confirmed by its witness, and
// the witness and another holder are asked after that: what was acknowledged before, they have.
func (r *Reader) settle(ctx context.Context, owner peer.ID, get *pb.Get, first *Found) (*Found, error) {
	key := protocol.Place(get.GetName(), 0)
	at, err := r.cfg.Locate(ctx, key)
	if err != nil {
		return nil, err
	}
	if at.ID != owner {
		return nil, fault.New(fault.TryAgain, "%s answers as the owner of %q, and the ring names %s", owner, get.GetName(), at.ID)
	}
	holders := neighbors(at)
	if len(holders) == 0 { // nobody else is there
		return r.alone(ctx, owner, get, first)
	}
	question := proto.CloneOf(get)
	found := first
	for again := false; ; again = true {
		if found == nil {
			if found, err = r.ask(ctx, owner, question); hasNothing(err) {
				found, err = nothing(owner, err), nil
			}
			if err != nil {
				return nil, err
			}
		}
		s := r.survey(ctx, owner, get.GetName(), holders)
		if get.GetVersion() != nil {
			return r.settleVersion(get, found, s)
		}
		finding, from := s.reading(found, again).Judge()
		switch finding {
		case replica.OwnerRight:
			r.witnesses.note(owner, holders[0])
			return found, nil
		case replica.AskOwner:
			found.Close()
			found = nil
			question.Tombstone, question.Least = true, []byte(protocol.StampOf(s.found[from].Record))
			continue
		case replica.HolderRight:
			found.Close()
			r.cfg.Conflicts.Note(&Conflict{Name: get.GetName(), Owner: owner, Other: s.of[from], Reason: "the other has shown a version that the owner does not"})
			s.found[from].Holders = []peer.ID{s.of[from]}
			return live(s.found[from], get)
		case replica.Absent:
			if found.Record != nil {
				return live(found, get)
			}
			return nil, errAbsent
		default:
			found.Close()
			return nil, s.unsettled(get.GetName(), found)
		}
	}
}

var errAbsent = fault.New(fault.NotFound, "no such file in the ring")

// live returns the answer unless it is a tombstone that was not asked for.
func live(f *Found, get *pb.Get) (*Found, error) {
	if f.Record.GetDeleted() && !get.GetTombstone() {
		f.Close()
		return nil, errAbsent
	}
	return f, nil
}

// alone is the answer of a peer that names no neighbors.
func (r *Reader) alone(ctx context.Context, owner peer.ID, get *pb.Get, first *Found) (*Found, error) {
	if r.cfg.Vote != nil { // this peer is a member, too
		return nil, fault.New(fault.TryAgain, "%s answers as the only member of a ring; try again", owner)
	}
	if first != nil && !first.invalid {
		return nil, errAbsent
	}
	return r.ask(ctx, owner, get)
}

// fewest is how many holders of a name are asked when they don't agree.
const fewest = 3

// neighbors returns the peers besides the owner that hold its names, its predecessor first.
func neighbors(o protocol.Owner) []peer.ID {
	near := make([]ring.Position, len(o.Near))
	for i, p := range o.Near {
		near[i] = p.Position
	}
	var out []peer.ID
	for _, h := range ring.HoldersAmong(o.Position, near, fewest)[1:] {
		out = append(out, peer.ID(h.ID))
	}
	return out
}

// survey is what the holders besides the owner say. The first is the witness.
type survey struct {
	of     []peer.ID
	found  []*Found // nil where there is no answer
	ballot ballot
}

// survey asks the witness for its vote, and all holders for what they have. The witness names the
// holders by its own view: one that it names besides is asked, too, so that it is not for the owner
// alone to say who can contradict it.
func (r *Reader) survey(ctx context.Context, owner peer.ID, name string, holders []peer.ID) *survey {
	s := &survey{of: slices.Clone(holders), found: make([]*Found, len(holders))}
	ctx, cancel := r.env.WithTimeout(ctx, r.cfg.Timeout/4)
	defer cancel()
	asking := env.NewGroup(r.env, 0)
	for i, h := range s.of {
		// A group without a limit takes all.
		_ = asking.Go(ctx, "asking a holder", func(context.Context) { s.found[i] = r.held(ctx, h, name) })
	}
	_ = asking.Go(ctx, "asking a witness", func(context.Context) { s.ballot = r.askVote(ctx, holders[0], owner, name, true) })
	asking.Wait()
	for _, h := range s.ballot.holders[:min(len(s.ballot.holders), len(holders)+1)] {
		if h != owner && !slices.Contains(s.of, h) {
			s.of, s.found = append(s.of, h), append(s.found, r.held(ctx, h, name))
		}
	}
	return s
}

// reading is what owner and holders say, in replica's terms.
func (s *survey) reading(owner *Found, again bool) replica.Reading {
	out := replica.Reading{Owner: owner.shown(), AskedAgain: again, Witness: s.found[0].shown(), Voted: s.ballot.given()}
	for _, f := range s.found[1:] {
		out.Others = append(out.Others, f.shown())
	}
	return out
}

// settleVersion is settle for a version that the reader has named: whoever has it is right. An
// owner that has it no more may have replaced it.
func (r *Reader) settleVersion(get *pb.Get, found *Found, s *survey) (*Found, error) {
	if found.Record != nil {
		return found, nil
	}
	silent := found.invalid || !s.ballot.given()
	for _, f := range s.found {
		if v := f.of(get.GetVersion()); v != nil {
			if found.invalid {
				r.cfg.Conflicts.Note(&Conflict{Name: get.GetName(), Owner: found.From, Other: v.From, Reason: invalidAnswer})
			}
			v.Holders = []peer.ID{v.From}
			return v, nil
		}
		silent = silent || f == nil
	}
	if silent {
		return nil, s.unsettled(get.GetName(), found)
	}
	return nil, errAbsent
}

const invalidAnswer = "the owner has shown a record that is not valid, or not the one asked for"

// unsettled names the two that don't confirm each other.
func (s *survey) unsettled(name string, owner *Found) error {
	c := &Conflict{Name: name, Owner: owner.From, Other: s.of[0], Reason: "the predecessor does not say that it is the owner"}
	if owner.invalid {
		c.Reason = invalidAnswer
	} else if i := slices.Index(s.found, nil); s.ballot.given() && i >= 0 {
		c.Other, c.Reason = s.of[i], "it gives no answer"
	}
	return fault.New(fault.TryAgain, "%w", c)
}

// held asks a peer for what it holds of a name, whoever owns it. It returns nil without an answer.
func (r *Reader) held(ctx context.Context, from peer.ID, name string) *Found {
	f, err := r.ask(ctx, from, &pb.Get{Name: name, Held: true})
	switch fault.CodeOf(err) {
	case "":
		f.Close()
		return f
	case fault.NotFound:
		return &Found{From: from}
	case fault.NotOwner: // an older program
		return r.listed(ctx, from, name)
	default:
		return nil
	}
}

// listed is held for a peer that answers as an owner only: it lists what it has under the key.
func (r *Reader) listed(ctx context.Context, from peer.ID, name string) *Found {
	ask := &pb.Inventory{Keys: []uint32{uint32(protocol.Place(name, 0))}}
	reply, err := r.cfg.Call(ctx, from, &pb.FileRequest{Body: &pb.FileRequest_Inventory{Inventory: ask}}, nil)
	if err != nil {
		return nil
	}
	items := slices.DeleteFunc(reply.GetItems().GetItems(), func(it *pb.Item) bool { return it.GetName() != name || it.GetIndex() > 0 })
	more := reply.GetItems().GetMore()
	reply.Close()
	switch {
	case len(items) == 0 && more:
		return nil // so many names under one key that the list goes on
	case len(items) == 0:
		return &Found{From: from}
	}
	reply, err = r.cfg.Call(ctx, from, &pb.FileRequest{Body: &pb.FileRequest_Pull{Pull: &pb.Pull{Items: items}}}, nil)
	if err != nil {
		return nil
	}
	defer reply.Close()
	var all []*pb.Record
	for _, m := range reply.GetRecords().GetRecords() {
		f, err := r.verify(&pb.Got{Record: m}, &pb.Get{Name: name, Held: true}, from)
		if err == nil && r.cfg.Writers.CheckRecord(f.Record) == nil {
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.Reverse(all) // items come by stamp
	f, err := r.verify(&pb.Got{Record: all[0], Siblings: all[1:]}, &pb.Get{Name: name, Held: true}, from)
	if err != nil {
		return nil
	}
	return f
}

// Versions returns all versions of a file, tombstones included, that any of its holders has. It
// fails unless all of them answer, because what only one of them has counts, too.
func (r *Reader) Versions(ctx context.Context, owner peer.ID, name string) ([]*protocol.Record, error) {
	found, err := r.Read(ctx, owner, &pb.Get{Name: name, Tombstone: true})
	if fault.CodeOf(err) == fault.NotFound && owner != r.cfg.Self {
		return nil, nil // all holders have been asked
	}
	if err != nil && fault.CodeOf(err) != fault.NotFound {
		return nil, err
	}
	found.Close()
	at, err := r.cfg.Locate(ctx, protocol.Place(name, 0))
	if err != nil {
		return nil, err
	}
	var out []*protocol.Record
	add := func(f *Found) {
		for _, rec := range f.records() {
			if !slices.ContainsFunc(out, func(o *protocol.Record) bool { return protocol.StampOf(o) == protocol.StampOf(rec) }) {
				out = append(out, rec)
			}
		}
	}
	add(found)
	if holders := neighbors(at); len(holders) > 0 {
		s := r.survey(ctx, owner, name, holders)
		for i, f := range s.found {
			if f == nil {
				return nil, fault.New(fault.TryAgain, "%s, a holder of %q, does not tell which versions it has", s.of[i], name)
			}
			add(f)
		}
	}
	return out, nil
}

// Held asks a peer for what it holds of a name, whoever owns it. It returns nil without an answer.
func (r *Reader) Held(ctx context.Context, from peer.ID, name string) []*protocol.Record {
	return r.held(ctx, from, name).records()
}
