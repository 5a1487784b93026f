package chord

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// maxWalk bounds the members of a ring that a walk visits.
const maxWalk = 4096

// visit is a member and what it has answered.
type visit struct {
	info   protocol.PeerInfo
	answer *pb.Neighbours
	err    error
}

type (
	observer = func(context.Context, peer.ID) (*pb.Neighbours, error)
	learner  = func(*pb.Peer) (protocol.PeerInfo, error)
)

// WalkFrom goes around the ring once from start and returns its members in ring order. Each is
// asked itself, a successor list at a time, and each must name the one before it as its
// predecessor: otherwise the ring is changing, a part of it would be missing, and the error says
// so.
func WalkFrom(ctx context.Context, e env.Env, start peer.ID, ask observer, learn learner) ([]protocol.PeerInfo, error) {
	answer, err := ask(ctx, start)
	if err != nil {
		return nil, err
	}
	self, err := learn(answer.GetSelf())
	if err != nil {
		return nil, err
	}
	if !answer.GetJoined() {
		return nil, fault.New(fault.TryAgain, "%s is not a member of a ring", self.ID)
	}
	first := visit{info: self, answer: answer}
	members, last := []protocol.PeerInfo{self}, first
	for len(members) <= maxWalk {
		batch := askAll(ctx, e, last.answer.GetSuccessors(), self.ID, ask, learn)
		if len(batch) == 0 { // the ring is closed
			return members, follows(last, first)
		}
		for _, v := range batch {
			if v.err != nil {
				return nil, fault.New(fault.TryAgain, "a member of the ring does not answer; the ring may be changing: %w", v.err)
			}
			if v.info.ID == self.ID {
				return members, follows(last, first)
			}
			if err := follows(last, v); err != nil {
				return nil, err
			}
			members, last = append(members, v.info), v
		}
	}
	return nil, fault.New(fault.TryAgain, "the ring does not close; it may be changing")
}

// follows checks that b names a as its predecessor.
func follows(a, b visit) error {
	if a.info.ID == b.info.ID { // a ring of one
		return nil
	}
	preds := b.answer.GetPredecessors()
	if len(preds) == 0 || peer.ID(preds[0].GetId()) != a.info.ID {
		return fault.New(fault.TryAgain, "the ring is changing: %s does not follow %s yet", b.info.ID, a.info.ID)
	}
	return nil
}

// askAll asks peers at the same time, up to and including the one that the walk came from.
func askAll(ctx context.Context, e env.Env, peers []*pb.Peer, start peer.ID, ask observer, learn learner) []visit {
	out := make([]visit, 0, len(peers))
	for _, m := range peers {
		info, err := learn(m)
		out = append(out, visit{info: info, err: err})
		if err == nil && info.ID == start {
			break
		}
	}
	group := env.NewGroup(e, 0)
	for i := range out {
		if out[i].err != nil || out[i].info.ID == start {
			continue
		}
		// Unless ask returns:
		out[i].err = fault.New(fault.TryAgain, "asking %s failed", out[i].info.ID)
		_ = group.Go(ctx, "asking a member", func(context.Context) {
			out[i].answer, out[i].err = ask(ctx, out[i].info.ID)
		})
	}
	group.Wait()
	return out
}
