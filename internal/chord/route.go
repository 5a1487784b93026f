package chord

import (
	"context"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// maxNear is how many of each list of an owner's neighbors may hold its backups: as many as a file
// has copies at most.
const maxNear = 8

func (d *Driver) id() peer.ID { return peerID(d.cfg.Self) }

// Guess names the owner of key as the view has it, which the owner checks: a stale view costs a
// hop, never correctness. It returns false when the view can't tell.
func (d *Driver) Guess(key ring.Key) (peer.ID, bool) {
	owner, ok := ownerInView(d.Snapshot().View, key)
	if ok && d.cfg.OwnerGuessed != nil {
		d.cfg.OwnerGuessed()
	}
	return owner, ok
}

func ownerInView(v *ring.View, key ring.Key) (peer.ID, bool) {
	if v.Owns(key) {
		return peerID(v.Self()), true
	}
	if next := v.Next(key); len(next) > 0 && v.Joined() {
		return peerID(next[0]), true
	}
	return "", false
}

// Locate asks the ring for the owner of key: recursively, and step by step when that fails.
func (d *Driver) Locate(ctx context.Context, key ring.Key) (owner protocol.Owner, err error) {
	if d.cfg.OwnerAsked != nil {
		defer func() { d.cfg.OwnerAsked(owner.Hops, err) }()
	}
	ctx, cancel := d.env.WithTimeout(ctx, d.cfg.Timeout/2)
	defer cancel()
	found, err := d.find(ctx, &pb.Find{Key: uint32(key), Hops: MaxHops, Path: true})
	if err != nil {
		if found, err = d.findStepwise(ctx, key); err != nil {
			return protocol.Owner{}, err
		}
	}
	return protocol.ReadOwner(found, maxNear, d.book.Learn)
}

// findStepwise is iterative routing: each peer names whom to ask next.
func (d *Driver) findStepwise(ctx context.Context, key ring.Key) (*pb.Found, error) {
	path := []*pb.Peer{d.book.Self()}
	ask := d.Snapshot().View.Toward(ring.At(key))
	var asked []ring.Position
	last := fault.New(fault.TryAgain, "no peer nearer to the key could be reached; the ring may be changing")
	for len(ask) > 0 && len(asked) < MaxHops {
		p := ask[0]
		ask = ask[1:]
		if slices.Contains(asked, p) || p == d.cfg.Self {
			continue
		}
		asked = append(asked, p)
		found, err := d.findVia(ctx, p.ID, &pb.Find{Key: uint32(key), Local: true})
		if err != nil {
			last = err
			continue
		}
		path = append(path, d.DescribeOne(p))
		if found.GetOwner() != nil {
			found.Path, found.Hops = path, uint32(len(path)-1) //nolint:gosec // bounded by MaxHops
			return found, nil
		}
		ask = append(LearnAll(d.book, found.GetNext()...), ask...)
	}
	return nil, last
}

// Starts names whom to ask first for the owner of key: this peer itself.
func (d *Driver) Starts(ring.Key) []peer.ID { return []peer.ID{d.id()} }

// Nearer asks one peer, or this one itself, for the owner of key or for peers nearer to it.
func (d *Driver) Nearer(ctx context.Context, via peer.ID, key ring.Key) (*pb.Found, error) {
	f := &pb.Find{Key: uint32(key), Local: true}
	if via == d.id() {
		return d.find(ctx, f)
	}
	ctx, cancel := d.env.WithTimeout(ctx, d.cfg.Timeout)
	defer cancel()
	return d.findVia(ctx, ring.ID(via), f)
}

// Observe asks a peer for what is visible of its state. To the peer it is no step of the ring.
func (d *Driver) Observe(ctx context.Context, id peer.ID) (*pb.Neighbours, error) {
	if id == d.id() {
		v := d.Snapshot().View
		return d.Neighbors(v.State(), v.Joined()), nil
	}
	return Observe(ctx, d.transport, id)
}

// Observe asks a peer for what is visible of its state.
func Observe(ctx context.Context, t Transport, id peer.ID) (*pb.Neighbours, error) {
	resp, err := t.Ring(ctx, id, &pb.RingRequest{Body: &pb.RingRequest_Neighbours{Neighbours: &pb.GetNeighbours{}}})
	if err != nil {
		return nil, err
	}
	return resp.GetNeighbours(), nil
}

// Walk goes around the ring once, starting here.
func (d *Driver) Walk(ctx context.Context) ([]protocol.PeerInfo, error) {
	s := d.Snapshot()
	if s.Standby {
		return d.walkFromOutside(ctx, s.View)
	}
	if !s.View.Joined() {
		return nil, fault.New(fault.TryAgain, "the node has not joined a ring yet")
	}
	return WalkFrom(ctx, d.env, d.id(), d.Observe, d.book.Learn)
}

// walkFromOutside goes around the ring that this peer has left for a while, starting at a member
// that it knows.
func (d *Driver) walkFromOutside(ctx context.Context, v *ring.View) ([]protocol.PeerInfo, error) {
	const members = 8 // that may fail to answer
	last := fault.New(fault.TryAgain, "this node has stepped aside, and no member of the ring that it knows answers")
	peers := slices.DeleteFunc(slices.Clone(v.Peers()), func(p ring.Position) bool { return p == d.cfg.Self })
	for _, p := range peers[:min(len(peers), members)] {
		all, err := WalkFrom(ctx, d.env, peerID(p), d.Observe, d.book.Learn)
		if err == nil {
			return all, nil
		}
		last = err
	}
	return nil, last
}
