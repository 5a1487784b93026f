package node_test

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord/book/booktest"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// describe is what the stranger says of itself.
func (s *stranger) describe() *pb.Peer {
	s.t.Helper()
	p, err := protocol.MakePeer(s.host, protocol.RingAddress{})
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// id is the identity of a node.
func (s *stranger) id(n *node.Node) peer.ID {
	s.t.Helper()
	id, err := peer.Decode(n.PeerID())
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// A node that has forgotten who a holder of a file is tells its ID all the same.
func TestStatWithAHolderThatIsNotKnown(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	c.put(c.nodes[0], "x", bytesOf(1, 1000))
	c.replicated(map[string][]byte{"x": bytesOf(1, 1000)})
	for _, n := range c.nodes {
		for _, other := range c.nodes {
			if other != n {
				n.ForgetPeer(other.PeerID())
			}
		}
		st, err := n.Stat(t.Context(), "x")
		if err != nil {
			t.Fatalf("stat: %v", err)
		}
		if len(st.Holders) != 3 {
			t.Errorf("%d holders, want 3", len(st.Holders))
		}
	}
}

// What a stranger tells of others is not learned, in whatever request it stands.
func TestStrangersTellOfNobody(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	n := c.nodes[0]
	s := c.newStranger()
	before := n.KnownPeers()
	self := s.describe()
	for range 4 {
		m := &pb.Neighbours{Self: self, Joined: true, Incorporated: true}
		for range 32 {
			m.Predecessors = append(m.Predecessors, booktest.MadeUp(t, 50))
			m.Successors = append(m.Successors, booktest.MadeUp(t, 50))
		}
		for _, req := range []*pb.RingRequest{
			{Body: &pb.RingRequest_Depart{Depart: &pb.Depart{From: m}}},
			{Body: &pb.RingRequest_Notify{Notify: &pb.Notify{From: self}}},
			{Body: &pb.RingRequest_Neighbours{Neighbours: &pb.GetNeighbours{From: self}}},
		} {
			if _, err := s.client.Ring(t.Context(), s.id(n), req); err != nil && fault.CodeOf(err) != fault.Busy {
				t.Fatal(err)
			}
		}
		claim := &pb.Claim{From: self, Predecessor: m.Predecessors[0], Grant: &pb.GrantID{Nonce: 1, Counter: 1}}
		if _, err := s.ask(t.Context(), n, &pb.FileRequest{Body: &pb.FileRequest_Claim{Claim: claim}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if after := n.KnownPeers(); after > before+1 {
		t.Errorf("a stranger told of 256 peers and more: %d are known now, %d before", after, before)
	}
}

// The relay slots of a member, and its answers to Release, are for whom the ring knows as members.
func TestStrangersAreNoMembers(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	s := c.newStranger()
	release := &pb.FileRequest{Body: &pb.FileRequest_Release{Release: &pb.Release{}}}
	for _, n := range c.nodes {
		for _, other := range c.nodes {
			if other != n && !n.IsMember(t.Context(), other.PeerID()) {
				t.Errorf("%s is no member to %s", other.PeerID(), n.PeerID())
			}
		}
		if _, err := s.client.Ring(t.Context(), s.id(n), &pb.RingRequest{Body: &pb.RingRequest_Notify{Notify: &pb.Notify{From: s.describe()}}}); err != nil {
			t.Fatal(err)
		}
		c.eventually("the stranger is no neighbor", func() string {
			if n.IsMember(t.Context(), s.host.ID().String()) {
				return "it is a member"
			}
			return ""
		})
		if _, err := s.ask(t.Context(), n, release, nil); fault.CodeOf(err) != fault.NotAllowed {
			t.Errorf("Release of a stranger: %v, want that it is not allowed", err)
		}
	}
}
