// Package client finds the owners of keys for a peer that is no member of the ring, and so has no
// view of it: it asks members that it has heard of.
//
// It believes nobody: descriptions are verified, and the owner checks by itself. Walking around the
// ring starts a process for each member asked, and waits for it. No other lock is taken while the
// lock of a Router is held.
package client

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// Book is the peer book, as far as it is needed here: that of package book.
type Book interface {
	Learn(d *pb.Peer) (protocol.PeerInfo, error)
	Info(id ring.ID) (protocol.PeerInfo, bool)
}

// Router implements the Router of package transfer. It is safe for concurrent use.
type Router struct {
	self      peer.ID
	transport chord.Transport
	book      Book
	timeout   time.Duration
	env       env.Env

	mu      sync.Mutex
	members []protocol.PeerInfo // heard of, by position; those that don't answer are taken out
}

// errNoMember is the answer when no member could be asked.
var errNoMember = fault.New(fault.Unreachable,
	"no member of the ring could be reached: check that its nodes run; p2pchord netcheck tells what is wrong here")

// New returns the Router of the peer self, which has heard of nobody yet. timeout bounds one step.
func New(self peer.ID, t chord.Transport, b Book, timeout time.Duration, e env.Env) *Router {
	return &Router{self: self, transport: t, book: b, timeout: timeout, env: e}
}

// Info is what has been learned of a peer.
func (r *Router) Info(p peer.ID) (protocol.PeerInfo, bool) { return r.book.Info(ring.ID(p)) }

// Observe asks a member for what is visible of its state.
func (r *Router) Observe(ctx context.Context, id peer.ID) (*pb.Neighbours, error) {
	return chord.Observe(ctx, r.transport, id)
}

// maxKnown bounds the members that a client remembers.
const maxKnown = 1024

// Learn verifies the description of a member and remembers it.
func (r *Router) Learn(m *pb.Peer) (protocol.PeerInfo, error) {
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

// Forget takes a member out that does not answer.
func (r *Router) Forget(id peer.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.members) > 1 {
		r.members = slices.DeleteFunc(r.members, func(m protocol.PeerInfo) bool { return m.ID == id })
	}
}

// Known are the members that it has heard of, by position.
func (r *Router) Known() []protocol.PeerInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.members)
}

// Guess names the first known member at or after key.
func (r *Router) Guess(key ring.Key) (peer.ID, bool) {
	known := r.Known()
	if len(known) == 0 {
		return "", false
	}
	i, _ := slices.BinarySearchFunc(known, ring.At(key), func(m protocol.PeerInfo, p ring.Position) int {
		return m.Position.Compare(p)
	})
	return known[i%len(known)].ID, true
}

// Locate asks known members, those before the key first, for its owner.
func (r *Router) Locate(ctx context.Context, key ring.Key) (protocol.Owner, error) {
	last := errNoMember
	for _, m := range r.before(key) {
		found, err := r.find(ctx, m.ID, key)
		if err == nil {
			return protocol.ReadOwner(found, protocol.MaxCopies, r.Learn)
		}
		if last = err; chord.NoAnswer(err) {
			r.Forget(m.ID)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return protocol.Owner{}, last
}

func (r *Router) find(ctx context.Context, via peer.ID, key ring.Key) (*pb.Found, error) {
	ctx, cancel := r.env.WithTimeout(ctx, r.timeout/2)
	defer cancel()
	resp, err := r.transport.Ring(ctx, via, &pb.RingRequest{Body: &pb.RingRequest_Find{Find: &pb.Find{
		Key: uint32(key), Hops: chord.MaxHops, Path: true, TimeoutMs: uint32((r.timeout / 2).Milliseconds()), //nolint:gosec // bounded
	}}})
	return resp.GetFound(), err
}

// Starts are known members, those before the key first.
func (r *Router) Starts(key ring.Key) []peer.ID {
	var out []peer.ID
	for _, m := range r.before(key) {
		out = append(out, m.ID)
	}
	return out
}

// Nearer asks one member for the owner of key, or for peers nearer to it.
func (r *Router) Nearer(ctx context.Context, via peer.ID, key ring.Key) (*pb.Found, error) {
	ctx, cancel := r.env.WithTimeout(ctx, r.timeout)
	defer cancel()
	resp, err := r.transport.Ring(ctx, via, &pb.RingRequest{Body: &pb.RingRequest_Find{Find: &pb.Find{Key: uint32(key), Local: true}}})
	return resp.GetFound(), err
}

// before returns a few known members, the nearest before key first.
func (r *Router) before(key ring.Key) []protocol.PeerInfo {
	known := r.Known()
	at := ring.At(key)
	slices.SortFunc(known, func(a, b protocol.PeerInfo) int {
		x, y := a.Position.Compare(at) < 0, b.Position.Compare(at) < 0
		// Those before the key come first, then those behind it, both from their end.
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
func (r *Router) Walk(ctx context.Context) ([]protocol.PeerInfo, error) {
	last := errNoMember
	for _, m := range r.before(0) {
		members, err := chord.WalkFrom(ctx, r.env, m.ID, r.Observe, r.Learn)
		if err == nil {
			return members, nil
		}
		if last = err; chord.NoAnswer(err) {
			r.Forget(m.ID)
		}
	}
	return nil, last
}
