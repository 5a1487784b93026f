package node

import (
	"context"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// guess names the owner of key as the view has it, which the owner checks: a stale
// view costs a hop, never correctness.
func (n *Node) guess(key ring.Key) (peer.ID, bool) {
	v := n.state.Load().View
	if v.Owns(key) {
		n.figures.lookups.WithLabelValues("known").Inc()
		return n.host.ID(), true
	}
	if next := v.Next(key); len(next) > 0 && v.Joined() {
		n.figures.lookups.WithLabelValues("known").Inc()
		return peerID(next[0]), true
	}
	return "", false
}

// ownerOf names the owner of key, asking the ring when the view can't tell.
func (n *Node) ownerOf(ctx context.Context, key ring.Key) (peer.ID, error) {
	f, err := n.locate(ctx, key)
	return f.ID, err
}

// locate asks the ring for the owner of key: recursively, and step by step when that fails.
func (n *Node) locate(ctx context.Context, key ring.Key) (f protocol.Owner, err error) {
	defer func() { n.figures.lookedUp(f.Hops, err) }()
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Timeout/2)
	defer cancel()
	found, err := n.find(ctx, &pb.Find{Key: uint32(key), Hops: maxHops, Path: true})
	if err != nil {
		if found, err = n.findStepwise(ctx, key); err != nil {
			return protocol.Owner{}, err
		}
	}
	return protocol.ReadOwner(found, maxCopies, n.book.learnOne)
}

// findStepwise is iterative routing: each peer names whom to ask next.
func (n *Node) findStepwise(ctx context.Context, key ring.Key) (*pb.Found, error) {
	v := n.state.Load().View
	path := []*pb.Peer{n.description()}
	ask := v.Toward(ring.At(key))
	var asked []ring.Position
	last := fault.New(fault.TryAgain, "no peer nearer to the key could be reached; the ring may be changing")
	for len(ask) > 0 && len(asked) < maxHops {
		p := ask[0]
		ask = ask[1:]
		if slices.Contains(asked, p) || p == n.self {
			continue
		}
		asked = append(asked, p)
		found, err := n.findVia(ctx, p.ID, &pb.Find{Key: uint32(key), Local: true})
		if err != nil {
			last = err
			continue
		}
		path = append(path, n.book.message(p))
		if found.GetOwner() != nil {
			found.Path, found.Hops = path, uint32(len(path)-1) //nolint:gosec // bounded by maxHops
			return found, nil
		}
		ask = append(n.book.learn(found.GetNext()...), ask...)
	}
	return nil, last
}

// walk goes around the ring once, starting here.
func (n *Node) walk(ctx context.Context) ([]protocol.PeerInfo, error) {
	s := n.state.Load()
	if s.Standby {
		return n.walkFromOutside(ctx, s)
	}
	if !s.View.Joined() {
		return nil, fault.New(fault.TryAgain, "the node has not joined a ring yet")
	}
	return walkRing(ctx, n.host.ID(), n.observe, n.learnPeer)
}

// walkFromOutside goes around the ring that this node has left for a while, starting at a member that it knows.
func (n *Node) walkFromOutside(ctx context.Context, s *snapshot) ([]protocol.PeerInfo, error) {
	last := fault.New(fault.TryAgain, "this node has stepped aside, and no member of the ring that it knows answers")
	peers := n.distinct(nil, s.View.Peers()...)
	for _, p := range peers[:min(len(peers), maxCopies)] {
		members, err := walkRing(ctx, peerID(p), n.observe, n.learnPeer)
		if err == nil {
			return members, nil
		}
		last = err
	}
	return nil, last
}

// observe asks a peer for what is visible of its state.
func (n *Node) observe(ctx context.Context, id peer.ID) (*pb.Neighbours, error) {
	if id == n.host.ID() {
		v := n.state.Load().View
		return n.neighboursOf(v.State(), v.Joined()), nil
	}
	return observe(ctx, n.client, id)
}

func observe(ctx context.Context, client *protocol.Client, id peer.ID) (*pb.Neighbours, error) {
	resp, err := client.Ring(ctx, id, &pb.RingRequest{Body: &pb.RingRequest_Neighbours{Neighbours: &pb.GetNeighbours{}}})
	if err != nil {
		return nil, err
	}
	return resp.GetNeighbours(), nil
}

// learnPeer verifies a description found in an answer. This node's own is itself.
func (n *Node) learnPeer(m *pb.Peer) (protocol.PeerInfo, error) { return n.book.learnOne(m) }

// knownPeer is what was learnt of a peer, or what this node knows of itself.
func (n *Node) knownPeer(id peer.ID) (protocol.PeerInfo, bool) {
	if id == n.host.ID() {
		return protocol.PeerInfo{ID: id, RingAddress: n.address, Position: n.self}, true
	}
	return n.book.info(ring.ID(id))
}

// starts is this node itself.
func (n *Node) starts(ring.Key) []peer.ID { return []peer.ID{n.host.ID()} }

// nearer asks one peer, or this node itself, for the owner of key or for peers nearer to it.
func (n *Node) nearer(ctx context.Context, via peer.ID, key ring.Key) (*pb.Found, error) {
	f := &pb.Find{Key: uint32(key), Local: true}
	if via == n.host.ID() {
		return n.find(ctx, f)
	}
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Timeout)
	defer cancel()
	return n.findVia(ctx, ring.ID(via), f)
}
