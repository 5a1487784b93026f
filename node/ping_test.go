package node_test

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// A member that is asked to ping itself answers as to a ping without a target, and can't tell of a
// stranger.
func TestPingOfTheOneAsked(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2)
	h, err := p2phost.New(p2phost.Config{Profile: p2phost.Client})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	client := protocol.NewClient(h, protocol.ClientOptions{})
	t.Cleanup(func() { _ = client.Close() })
	to, err := peeraddr.Split(c.nodes[0].Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Connect(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	other, err := peeraddr.Split(c.nodes[1].Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[peer.ID]fault.Code{"": "", to.ID: "", other.ID: "", h.ID(): fault.TryAgain} {
		_, err := client.Ring(t.Context(), to.ID, &pb.RingRequest{Body: &pb.RingRequest_Ping{Ping: &pb.Ping{Target: []byte(target)}}})
		if fault.CodeOf(err) != want {
			t.Errorf("ping of %q: %v, want %q", target, err, want)
		}
	}
}
