package bootstrap

import (
	"context"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// connect gets a connection to the bootstrap peer within limit: the one there is, one to the
// addresses that were given or that the bootstrap peer has given in this run, or one that it makes
// itself meanwhile.
func (c *Contact) connect(ctx context.Context, limit time.Duration) error {
	select {
	case <-c.arrived: // of a connection that Connect below finds, or that is gone
	default:
	}
	dialing, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-c.arrived:
			cancel() // the dial may go on for long at an address where nobody is
		case <-dialing.Done():
		}
	}()
	to := c.to
	to.Addrs = ma.Unique(append(slices.Clone(to.Addrs), c.learnt...))
	err := connectTo(dialing, c.cfg.Host, to, c.cfg.Addr)
	cancel()
	<-watched
	if err != nil && ctx.Err() == nil && c.cfg.Host.Network().Connectedness(c.to.ID) == network.Connected {
		return nil
	}
	return err
}

// request bounds one request over the connection there is; only connect dials.
func (c *Contact) request(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(network.WithNoDial(ctx, "connect dials"), attemptTimeout)
}

// Register enters the peer in the roster and passes the introduction on. It returns
// the heartbeat asked for and what was sent of the peer.
func (c *Contact) register(ctx context.Context) (time.Duration, *pb.Peer, error) {
	self, err := c.cfg.Self()
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := c.request(ctx)
	defer cancel()
	resp, err := c.cfg.Client.Bootstrap(ctx, c.to.ID, &pb.BootstrapRequest{Body: &pb.BootstrapRequest_Register{Register: &pb.Register{Self: self}}})
	if err != nil {
		return 0, nil, notBootstrap(c.cfg.Host, c.to.ID, c.cfg.Addr, err)
	}
	in := resp.GetIntroduced()
	c.set(true, nil)
	c.cfg.Introduced(in)
	heartbeat := time.Duration(in.GetHeartbeatMs()) * time.Millisecond
	return min(max(heartbeat, minHeartbeat), maxHeartbeat), self, nil
}

// Beat says that the peer lives and what has changed since sent; it returns what the bootstrap peer
// knows of it then.
func (c *Contact) beat(ctx context.Context, sent *pb.Peer, joined bool) (*pb.Peer, error) {
	self, err := c.cfg.Self()
	if err != nil {
		return sent, err
	}
	req := &pb.Heartbeat{Joined: joined}
	if !proto.Equal(self, sent) {
		req.Self = self
	}
	ctx, cancel := c.request(ctx)
	defer cancel()
	if _, err := c.cfg.Client.Bootstrap(ctx, c.to.ID, &pb.BootstrapRequest{Body: &pb.BootstrapRequest_Heartbeat{Heartbeat: req}}); err != nil {
		return sent, err
	}
	return self, nil
}

// refresh asks who else is there. That it fails shows at the next heartbeat.
func (c *Contact) refresh(ctx context.Context, self *pb.Peer) {
	info, err := protocol.ParsePeerIn(c.cfg.Network, self)
	if err != nil {
		return
	}
	ctx, cancel := c.request(ctx)
	defer cancel()
	if in, err := introduce(ctx, c.cfg.Host, c.cfg.Client, c.to.ID, c.cfg.Addr, info.Position.Key); err == nil {
		c.cfg.Introduced(&pb.Introduced{Peers: in.GetPeers(), HeartbeatMs: in.GetHeartbeatMs(), Members: in.GetMembers()})
	}
}
