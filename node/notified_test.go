package node_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// before returns a ring address whose key is just before that of a node.
func before(t *testing.T, n *pb.Peer) protocol.RingAddress {
	t.Helper()
	info, err := protocol.ParsePeer(n)
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; ; i++ {
		if a := (protocol.RingAddress{Host: fmt.Sprint("h", i), Port: "1"}); a.Key() == info.Position.Key-1 {
			return a
		}
	}
}

// neighbors asks a node for its state.
func (s *stranger) neighbors(id peer.ID) *pb.Neighbours {
	s.t.Helper()
	r, err := s.client.Ring(s.t.Context(), id, &pb.RingRequest{Body: &pb.RingRequest_Neighbours{Neighbours: &pb.GetNeighbours{}}})
	if err != nil {
		s.t.Fatal(err)
	}
	return r.GetNeighbours()
}

// A stranger that says to be a node's predecessor, and then answers nothing, must not take that
// place: the node's arc would wait for it.
func TestNotifyOfASilentStranger(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	n := c.nodes[0]
	for _, kind := range []string{"notify", "claim"} {
		s := c.newStranger()
		asked := make(chan struct{}, 64)
		s.host.SetStreamHandler(protocol.RingID, func(st network.Stream) {
			_, _ = st.Read(make([]byte, 1)) // a question has come
			asked <- struct{}{}
			<-t.Context().Done()
			_ = st.Reset()
		})
		id, err := peer.Decode(n.PeerID())
		if err != nil {
			t.Fatal(err)
		}
		state := s.neighbors(id)
		self, err := protocol.MakePeer(s.host, before(t, state.GetSelf()))
		if err != nil {
			t.Fatal(err)
		}
		if kind == "notify" {
			_, err = s.client.Ring(t.Context(), id, &pb.RingRequest{Body: &pb.RingRequest_Notify{Notify: &pb.Notify{From: self}}})
		} else {
			_, err = s.ask(t.Context(), n, &pb.FileRequest{Body: &pb.FileRequest_Claim{Claim: &pb.Claim{
				From: self, Predecessor: state.GetPredecessors()[0], Grant: &pb.GrantID{Nonce: 1, Counter: 1},
			}}}, nil)
		}
		if err != nil {
			t.Fatal(kind, err)
		}
		select {
		case <-asked:
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: the node does not ask who says to be its predecessor", kind)
		}
		if p := s.neighbors(id).GetPredecessors(); len(p) > 0 && peer.ID(p[0].GetId()) == s.host.ID() {
			t.Errorf("%s: a stranger that has answered nothing is the node's predecessor", kind)
		}
	}
}
