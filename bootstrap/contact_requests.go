package bootstrap

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// request bounds one request over the connection there is; only connect dials.
func (c *Contact) request(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(network.WithNoDial(ctx, "connect dials"), attemptTimeout)
}

// register enters the peer in the roster and passes the introduction on. It returns
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

// beat says that the peer lives and what has changed since sent; it returns what the bootstrap peer knows of it then.
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
	info, err := protocol.ParsePeer(self)
	if err != nil {
		return
	}
	ctx, cancel := c.request(ctx)
	defer cancel()
	if in, err := introduce(ctx, c.cfg.Host, c.cfg.Client, c.to.ID, c.cfg.Addr, info.Position.Key); err == nil {
		c.cfg.Introduced(&pb.Introduced{Peers: in.GetPeers(), HeartbeatMs: in.GetHeartbeatMs(), Members: in.GetMembers()})
	}
}
