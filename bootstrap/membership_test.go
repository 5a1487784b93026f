package bootstrap

import (
	"context"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// A peer that only says to be a member, and one that answers as if it were, are not introduced; the
// honest ones are.
func TestLiarsAreNotIntroduced(t *testing.T) {
	t.Parallel()
	boot, events := startPeer(t, Config{})
	silent, liar := startMember(t, ""), startMember(t, "")
	silent.host.RemoveStreamHandler(protocol.RingID)
	claim := func(m *member) {
		t.Helper()
		self, err := protocol.MakePeer(m.host, m.address)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.host.Connect(t.Context(), peer.AddrInfo{ID: boot.ID(), Addrs: boot.host.Addrs()}); err != nil {
			t.Fatal(err)
		}
		for _, req := range []*pb.BootstrapRequest{
			{Body: &pb.BootstrapRequest_Register{Register: &pb.Register{Self: self}}},
			{Body: &pb.BootstrapRequest_Heartbeat{Heartbeat: &pb.Heartbeat{Joined: true}}},
		} {
			if _, err := m.client.Bootstrap(t.Context(), boot.ID(), req); err != nil {
				t.Fatal(err)
			}
		}
	}
	claim(silent)
	a, b := startMember(t, ""), startMember(t, "")
	ca := a.contact(t, boot.Addrs()[0])
	began := time.Now()
	a.until(t, "founds", found)
	if took := time.Since(began); took > 10*boot.cfg.Heartbeat {
		t.Errorf("the first honest peer founds after %v", took)
	}
	a.join(ca)
	receive(t, "event", events)
	cb := b.contact(t, boot.Addrs()[0])
	b.until(t, "names the founder", introducedTo(a.host.ID().String()))
	b.join(cb)
	receive(t, "event", events)
	// It names members as its neighbors, which don't name it, and finds itself everywhere.
	protocol.ServeRing(liar.host, protocol.ServeOptions{}, func(_ context.Context, _ peer.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
		n, err := a.neighbors(t)
		if err != nil {
			return nil, err
		}
		all := append(n.GetSuccessors(), n.GetSelf())
		self, err := protocol.MakePeer(liar.host, liar.address)
		state := &pb.Neighbours{Self: self, Joined: true, Incorporated: true, Successors: all}
		if req.GetFind() != nil {
			return &pb.RingResponse{Body: &pb.RingResponse_Found{Found: &pb.Found{Owner: state}}}, err
		}
		return &pb.RingResponse{Body: &pb.RingResponse_Neighbours{Neighbours: state}}, err
	})
	claim(liar)
	eventually(t, "the liar is asked", func() bool {
		boot.mu.Lock()
		defer boot.mu.Unlock()
		return boot.roster.HasAnswered(ring.ID(liar.host.ID())) && len(boot.polling) == 0
	})
	guest := startMember(t, "")
	in, err := Introduce(t.Context(), guest.host, guest.client, boot.Addrs()[0], 1)
	if err != nil || len(in.GetPeers()) != 2 || in.GetMembers() != 2 {
		t.Errorf("%d peers are introduced of %d members, %v; want the two honest ones", len(in.GetPeers()), in.GetMembers(), err)
	}
	if boot.isMember(liar.host.ID()) || boot.isMember(silent.host.ID()) || !boot.isMember(b.host.ID()) {
		t.Error("the wrong peers are members")
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}
