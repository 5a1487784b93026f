package node

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/chord/book"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// clientRouter implements transfer.Router for a Client, which has no view of the ring: it asks
// members that it has heard of. It is safe for concurrent use.
type clientRouter struct {
	self    peer.ID
	client  *protocol.Client
	book    *book.Book
	timeout time.Duration
	env     env.Env

	mu      sync.Mutex
	members []protocol.PeerInfo // heard of, by position; those that don't answer are taken out
}

// errNoMember is the answer when no member could be asked.
var errNoMember = fault.New(fault.Unreachable,
	"no member of the ring could be reached: check that its nodes run; p2pchord netcheck tells what is wrong here")

// info is what has been learned of a peer.
func (r *clientRouter) info(p peer.ID) (protocol.PeerInfo, bool) { return r.book.Info(ring.ID(p)) }

// observe asks a member for what is visible of its state.
func (r *clientRouter) observe(ctx context.Context, id peer.ID) (*pb.Neighbours, error) {
	return chord.Observe(ctx, clientTransport{r}, id)
}

// clientTransport sends requests of the ring protocol.
type clientTransport struct{ router *clientRouter }

// Ring implements chord.Transport.
func (t clientTransport) Ring(ctx context.Context, to peer.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
	t.router.book.Prepare(to)
	return t.router.client.Ring(ctx, to, req)
}

// maxKnown bounds the members that a client remembers.
const maxKnown = 1024

// learn verifies the description of a member and remembers it.
func (r *clientRouter) learn(m *pb.Peer) (protocol.PeerInfo, error) {
	info, err := r.book.Learn(m)
	if err != nil || len(info.Addrs) == 0 || info.ID == r.self {
		return info, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	i, found := slices.BinarySearchFunc(r.members, info.Position, func(m protocol.PeerInfo, p ring.Position) int {
		return m.Position.Compare(p)
	})
	if found {
		r.members[i] = info
	} else if len(r.members) < maxKnown {
		r.members = slices.Insert(r.members, i, info)
	}
	return info, nil
}

// forget takes a member out that does not answer.
func (r *clientRouter) forget(id peer.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.members) > 1 {
		r.members = slices.DeleteFunc(r.members, func(m protocol.PeerInfo) bool { return m.ID == id })
	}
}

func (r *clientRouter) known() []protocol.PeerInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.members)
}

// Guess names the first known member at or after key.
func (r *clientRouter) Guess(key ring.Key) (peer.ID, bool) {
	known := r.known()
	if len(known) == 0 {
		return "", false
	}
	i, _ := slices.BinarySearchFunc(known, ring.At(key), func(m protocol.PeerInfo, p ring.Position) int {
		return m.Position.Compare(p)
	})
	return known[i%len(known)].ID, true
}

// Locate asks known members, those before the key first, for its owner.
func (r *clientRouter) Locate(ctx context.Context, key ring.Key) (protocol.Owner, error) {
	last := errNoMember
	for _, m := range r.before(key) {
		found, err := r.find(ctx, m.ID, key)
		if err == nil {
			return protocol.ReadOwner(found, protocol.MaxCopies, r.learn)
		}
		if last = err; chord.NoAnswer(err) {
			r.forget(m.ID)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return protocol.Owner{}, last
}

func (r *clientRouter) find(ctx context.Context, via peer.ID, key ring.Key) (*pb.Found, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout/2)
	defer cancel()
	r.book.Prepare(via)
	resp, err := r.client.Ring(ctx, via, &pb.RingRequest{Body: &pb.RingRequest_Find{Find: &pb.Find{
		Key: uint32(key), Hops: chord.MaxHops, Path: true, TimeoutMs: uint32((r.timeout / 2).Milliseconds()), //nolint:gosec // bounded
	}}})
	return resp.GetFound(), err
}

// Starts are known members, those before the key first.
func (r *clientRouter) Starts(key ring.Key) []peer.ID {
	var out []peer.ID
	for _, m := range r.before(key) {
		out = append(out, m.ID)
	}
	return out
}

// Nearer asks one member for the owner of key, or for peers nearer to it.
func (r *clientRouter) Nearer(ctx context.Context, via peer.ID, key ring.Key) (*pb.Found, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	r.book.Prepare(via)
	resp, err := r.client.Ring(ctx, via, &pb.RingRequest{Body: &pb.RingRequest_Find{Find: &pb.Find{Key: uint32(key), Local: true}}})
	return resp.GetFound(), err
}

// before returns a few known members, the nearest before key first.
func (r *clientRouter) before(key ring.Key) []protocol.PeerInfo {
	known := r.known()
	at := ring.At(key)
	slices.SortFunc(known, func(a, b protocol.PeerInfo) int {
		x, y := a.Position.Compare(at) < 0, b.Position.Compare(at) < 0
		// those before the key in the line come first, then those behind it, both from their end
		if x != y {
			if x {
				return -1
			}
			return 1
		}
		return -cmp.Compare(a.Position.Compare(b.Position), 0)
	})
	return known[:min(len(known), 5)]
}

// Walk goes around the ring, starting at any known member.
func (r *clientRouter) Walk(ctx context.Context) ([]protocol.PeerInfo, error) {
	last := errNoMember
	for _, m := range r.before(0) {
		members, err := chord.WalkFrom(ctx, r.env, m.ID, r.observe, r.learn)
		if err == nil {
			return members, nil
		}
		if last = err; chord.NoAnswer(err) {
			r.forget(m.ID)
		}
	}
	return nil, last
}
