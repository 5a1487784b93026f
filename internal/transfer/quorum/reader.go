package quorum

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/internal/writers"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// Config is what a Reader works with.
type Config struct {
	Self peer.ID
	// Locate asks the ring for the owner of a key.
	Locate func(ctx context.Context, key ring.Key) (protocol.Owner, error)
	Call   request.Caller
	// Learn verifies the description of a peer that an answer holds, and remembers it.
	Learn func(*pb.Peer) (protocol.PeerInfo, error)
	// Vote returns this peer's own vote as the witness of owner, nil if it isn't that. It is nil
	// for a peer that is no member.
	Vote    func(name string, owner peer.ID) *pb.Confirm
	Timeout time.Duration // of one step of an operation
	// Env is the environment of the reads. Default: env.Background.
	Env env.Env
	// Writers says whose records are believed. Default: everybody's, as in an open ring.
	Writers writers.Rule
	// Conflicts counts the answers that contradict each other. Default: nobody counts.
	Conflicts *Conflicts
}

// Reader reads the records of files. It is safe for concurrent use.
type Reader struct {
	cfg       Config
	env       env.Env
	witnesses witnesses
}

// New returns a Reader.
func New(cfg Config) *Reader {
	r := &Reader{cfg: cfg, env: cfg.Env}
	if r.env == nil {
		r.env = env.Background()
	}
	return r
}

// Read reads the record of a file, as get asks for it, at the peer that is said to be its owner. An
// error of a kind that may pass says that the owner has to be looked up anew and asked again.
func (r *Reader) Read(ctx context.Context, owner peer.ID, get *pb.Get) (*Found, error) {
	if owner == r.cfg.Self { // it asks its witness, and believes itself
		return r.ask(ctx, owner, get)
	}
	found, agreed, err := r.askBoth(ctx, owner, get)
	switch {
	case hasNothing(err):
		return r.settle(ctx, owner, get, nothing(owner, err))
	case err != nil:
		return nil, err
	case agreed:
		return found, nil
	}
	found.Close()
	r.witnesses.forget(owner)
	return r.settle(ctx, owner, get, nil)
}

// askBoth asks the owner and its witness at the same time, and reports whether they agree. A reader
// that doesn't know the witness learns it from the owner, and asks it then.
func (r *Reader) askBoth(ctx context.Context, owner peer.ID, get *pb.Get) (found *Found, agreed bool, err error) {
	voting, cancel := r.env.WithCancel(ctx)
	group := env.NewGroup(r.env, 0)
	defer group.Wait()
	defer cancel()
	ask := func(witness peer.ID) *env.Queue[ballot] {
		vote := env.NewQueue[ballot](r.env, 0)
		// A group without a limit takes all.
		_ = group.Go(ctx, "asking a witness", func(context.Context) { vote.Put(r.askVote(voting, witness, owner, get.GetName(), false)) })
		return vote
	}
	question := proto.CloneOf(get)
	question.Witness = r.ownVote(get.GetName(), owner)
	question.Unconfirmed = question.Witness == nil && get.GetVersion() == nil
	asked, known := r.witnesses.get(owner)
	known = known && asked != r.cfg.Self && question.GetUnconfirmed()
	var vote *env.Queue[ballot]
	if known {
		vote = ask(asked)
	}
	if found, err = r.ask(ctx, owner, question); err != nil {
		return nil, false, err
	}
	if get.GetVersion() != nil {
		return found, true, nil // it can be no other, and its writer has signed it
	}
	if question.GetWitness() != nil {
		return found, found.agrees(protocol.Vote(question.GetWitness())), nil
	}
	var b ballot
	if known {
		b, _ = vote.Next(ctx, r.cfg.Timeout/10)
	}
	if named := found.witness(); !found.agrees(b.vote) && named != "" && named != r.cfg.Self && (!known || named != asked) {
		b, _ = ask(named).Next(ctx, r.cfg.Timeout/4)
	}
	return found, found.agrees(b.vote), nil
}

// ballot is the answer of a witness: its vote, and the holders that it names.
type ballot struct {
	vote    replica.Vote
	holders []peer.ID
}

func (b ballot) given() bool { return b.vote.Grant != replica.GrantID{} }

func (r *Reader) ownVote(name string, owner peer.ID) *pb.Confirm {
	if r.cfg.Vote == nil {
		return nil
	}
	return r.cfg.Vote(name, owner)
}

// askVote asks a witness for its vote, which is empty if it gives none.
func (r *Reader) askVote(ctx context.Context, witness, owner peer.ID, name string, holders bool) (b ballot) {
	if witness == r.cfg.Self {
		if own := r.ownVote(name, owner); own != nil {
			b.vote = protocol.Vote(own)
		}
		return b
	}
	word := &pb.AskWord{Name: name, Owner: []byte(owner), Holders: holders}
	reply, err := r.cfg.Call(ctx, witness, &pb.FileRequest{Body: &pb.FileRequest_Word{Word: word}}, nil)
	if err != nil {
		return b
	}
	defer reply.Close()
	b.vote = protocol.Vote(reply.GetWord())
	b.holders, _ = r.learnAll(reply.GetWord().GetHolders())
	return b
}

// learnAll takes in the peers that an answer describes, and reports whether all are valid.
func (r *Reader) learnAll(ds []*pb.Peer) (ids []peer.ID, all bool) {
	for _, d := range ds {
		if info, err := r.cfg.Learn(d); err == nil {
			ids = append(ids, info.ID)
		}
	}
	return ids, len(ids) == len(ds)
}
