package bootstrap

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/p2phost/dial"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// Introduce asks the bootstrap peer at addr once for members near key, without becoming one. Where
// it is told to wait it does, as long as ctx lasts. Errors are of the kinds fault.Usage and
// fault.Unreachable, or what the peer answered.
func Introduce(ctx context.Context, h host.Host, client *protocol.Client, addr ma.Multiaddr, key ring.Key) (*pb.Introduced, error) {
	to, err := peeraddr.Split(addr)
	if err != nil {
		return nil, err
	}
	to.Addrs = peeraddr.WithTCP(to.Addrs)
	if err := connectTo(ctx, h, to, addr); err != nil {
		return nil, err
	}
	return introduce(ctx, h, client, to.ID, addr, key)
}

// AwaitIntroduction asks as Introduce does, and again until ctx ends: when a try fails although the
// address is right and the bootstrap peer doesn't refuse, and while the bootstrap peer waits for
// members to introduce.
func AwaitIntroduction(ctx context.Context, h host.Host, client *protocol.Client, addr ma.Multiaddr, key ring.Key) (*pb.Introduced, error) {
	in, err := Introduce(ctx, h, client, addr, key)
	for wait := firstBackoff; ; wait = min(2*wait, askEvery) {
		waits := err == nil && in.GetSettling() && len(in.GetPeers()) == 0
		if !waits && (err == nil || permanent(err)) {
			return in, err
		}
		if pause(ctx, wait, nil); ctx.Err() != nil {
			return in, err
		}
		if next, nextErr := Introduce(ctx, h, client, addr, key); ctx.Err() == nil || nextErr == nil {
			in, err = next, nextErr
		}
	}
}

func introduce(ctx context.Context, h host.Host, client *protocol.Client, to peer.ID, addr ma.Multiaddr, key ring.Key) (*pb.Introduced, error) {
	for {
		resp, err := client.Bootstrap(ctx, to, &pb.BootstrapRequest{
			Body: &pb.BootstrapRequest_Introduce{Introduce: &pb.Introduce{Key: uint32(key)}},
		})
		if err == nil {
			return resp.GetIntroduced(), nil
		}
		if !waitAsAsked(ctx, err) {
			return nil, notBootstrap(h, to, addr, err)
		}
	}
}

// waitAsAsked waits for as long as the peer asked for that has refused a request for now. It
// reports false at once when the peer didn't say how long, or when ctx would end before.
func waitAsAsked(ctx context.Context, err error) bool {
	after := fault.AfterOf(err)
	if deadline, ok := ctx.Deadline(); after <= 0 || ok && time.Until(deadline) < after {
		return false
	}
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// connectTo connects to the peer at addr. A multiaddr with a name in it is resolved each time.
func connectTo(ctx context.Context, h host.Host, to peer.AddrInfo, addr ma.Multiaddr) error {
	dial.ClearBackoff(h, to.ID)
	if err := h.Connect(ctx, to); err != nil {
		return unreachable(ctx, to.ID, addr, err)
	}
	return nil
}
