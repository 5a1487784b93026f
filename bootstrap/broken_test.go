package bootstrap

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// breaking makes m a bootstrap peer that breaks the first exchanges off and answers the later ones
// with answer.
func breaking(t *testing.T, m *member, exchanges int32, answer protocol.BootstrapHandler) {
	t.Helper()
	var left atomic.Int32
	left.Store(exchanges)
	m.host.SetStreamHandler(protocol.BootstrapID, func(s network.Stream) {
		_ = s.Reset()
		if left.Add(-1) == 0 {
			protocol.ServeBootstrap(m.host, protocol.ServeOptions{}, answer)
		}
	})
	t.Cleanup(func() { m.host.RemoveStreamHandler(protocol.BootstrapID) })
}

// Whoever starts goes on when an exchange with the bootstrap peer breaks off.
func TestBrokenExchangesAreRepeated(t *testing.T) {
	t.Parallel()
	answers := func(context.Context, peer.ID, *pb.BootstrapRequest) (*pb.BootstrapResponse, error) {
		return &pb.BootstrapResponse{Body: &pb.BootstrapResponse_Introduced{Introduced: &pb.Introduced{Found: true, HeartbeatMs: 3000}}}, nil
	}
	refuses := func(context.Context, peer.ID, *pb.BootstrapRequest) (*pb.BootstrapResponse, error) {
		return nil, fault.New(fault.NoSpace, "the roster is full")
	}
	for _, c := range []struct {
		name   string
		answer protocol.BootstrapHandler
		want   fault.Code
	}{{"answered", answers, ""}, {"refused", refuses, fault.NoSpace}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			boot, a := startMember(t, ""), startMember(t, "")
			breaking(t, boot, 3, c.answer)
			addr := peeraddr.Full(boot.host)[0]
			if err := a.contact(t, addr).First(ctx); (err == nil) != (c.want == "") || err != nil && fault.CodeOf(err) != c.want {
				t.Errorf("a contact: %v, want %q", err, c.want)
			}
			breaking(t, boot, 3, c.answer)
			b := startMember(t, "")
			in, err := AwaitIntroduction(ctx, b.host, b.client, addr, 1)
			if (err == nil) != (c.want == "") || err != nil && fault.CodeOf(err) != c.want {
				t.Errorf("an introduction: %v, want %q", err, c.want)
			}
			if err == nil && !in.GetFound() {
				t.Errorf("%v, want the answer", in)
			}
		})
	}
}
