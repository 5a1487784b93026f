package node

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// seen is a member and what it said of its neighbours.
type seen struct {
	info protocol.PeerInfo
	said *pb.Neighbours
	err  error
}

// walkRing goes around the ring once from start and returns its members in ring order. Each
// is asked itself, a successor list at a time, and each must name the one before it as its
// predecessor: otherwise the ring is changing, a part of it would be missing, and the error says so.
func walkRing(ctx context.Context, start peer.ID,
	ask func(context.Context, peer.ID) (*pb.Neighbours, error), learn func(*pb.Peer) (protocol.PeerInfo, error),
) ([]protocol.PeerInfo, error) {
	said, err := ask(ctx, start)
	if err != nil {
		return nil, err
	}
	self, err := learn(said.GetSelf())
	if err != nil {
		return nil, err
	}
	if !said.GetJoined() {
		return nil, fault.New(fault.TryAgain, "%s is not a member of a ring", self.ID)
	}
	first := seen{info: self, said: said}
	members, last := []protocol.PeerInfo{self}, first
	for len(members) <= bookSize {
		batch := askAll(ctx, last.said.GetSuccessors(), self.ID, ask, learn)
		if len(batch) == 0 { // the ring is closed
			return members, follows(last, first)
		}
		for _, s := range batch {
			if s.err != nil {
				return nil, fault.New(fault.TryAgain, "a member of the ring does not answer; the ring may be changing: %w", s.err)
			}
			if s.info.ID == self.ID {
				return members, follows(last, first)
			}
			if err := follows(last, s); err != nil {
				return nil, err
			}
			members, last = append(members, s.info), s
		}
	}
	return nil, fault.New(fault.TryAgain, "the ring does not close; it may be changing")
}

// follows checks that b names a as its predecessor.
func follows(a, b seen) error {
	if a.info.ID == b.info.ID { // a ring of one
		return nil
	}
	preds := b.said.GetPredecessors()
	if len(preds) == 0 || peer.ID(preds[0].GetId()) != a.info.ID {
		return fault.New(fault.TryAgain, "the ring is changing: %s does not follow %s yet", b.info.ID, a.info.ID)
	}
	return nil
}

// askAll asks peers at the same time, up to and including the one that the walk came from.
func askAll(ctx context.Context, peers []*pb.Peer, start peer.ID,
	ask func(context.Context, peer.ID) (*pb.Neighbours, error), learn func(*pb.Peer) (protocol.PeerInfo, error),
) []seen {
	out := make([]seen, 0, len(peers))
	for _, m := range peers {
		info, err := learn(m)
		out = append(out, seen{info: info, err: err})
		if err == nil && info.ID == start {
			break
		}
	}
	done := make(chan struct{})
	waiting := 0
	for i := range out {
		if out[i].err != nil || out[i].info.ID == start {
			continue
		}
		waiting++
		go func() {
			defer func() { done <- struct{}{} }()
			err := contain.Run("asking a member", func() (err error) {
				out[i].said, err = ask(ctx, out[i].info.ID)
				return err
			})
			out[i].err = err
		}()
	}
	for range waiting {
		<-done
	}
	return out
}
