package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/pause"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/ring"
)

// lanWait is how long a node that knows nobody listens for peers on the local network before it
// founds a ring.
const lanWait = 3 * time.Second

// startMDNS looks for peers of the same ring on the local network, and lets them find this
// node. It returns false when that is not wanted, or when nobody else could reach this node anyway.
func (n *Node) startMDNS() (bool, error) {
	if !n.cfg.MDNS || n.cfg.Server || n.onlyLoopback() {
		return false, nil
	}
	for _, name := range n.lanNames() {
		s := mdns.NewMdnsService(n.host, name, lanPeers{n})
		if err := s.Start(); err != nil {
			log.Warnw("can't look for peers on the local network", "err", err)
			return false, s.Close()
		}
		n.spawn(func(ctx context.Context) {
			<-ctx.Done()
			_ = s.Close() // never fails
		})
	}
	return true, nil
}

func (n *Node) onlyLoopback() bool {
	for _, a := range n.host.Network().ListenAddresses() {
		if !manet.IsIPLoopback(a) {
			return false
		}
	}
	return true
}

// lanNames are the services under which a node is found: one for each bootstrap peer, so that rings
// of different people on one network stay apart, and a common one for nodes without any.
func (n *Node) lanNames() []string {
	infos, err := peeraddr.Infos(n.cfg.Bootstrap)
	if err != nil || len(infos) == 0 {
		return []string{"_p2pchord._udp"}
	}
	var out []string
	for _, info := range infos {
		sum := sha256.Sum256([]byte(info.ID))
		out = append(out, "_p2pchord-"+hex.EncodeToString(sum[:4])+"._udp")
	}
	return out
}

// lanPeers takes in what mDNS finds.
type lanPeers struct{ node *Node }

// HandlePeerFound asks a peer on the local network who it is; what it says is verified like
// everything else.
func (l lanPeers) HandlePeerFound(info peer.AddrInfo) {
	n := l.node
	if info.ID == n.host.ID() {
		return
	}
	n.env.Go("meeting a peer of the local network", func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, n.cfg.Timeout)
		defer cancel()
		if err := n.host.Connect(ctx, info); err != nil {
			log.Debugw("a peer on the local network", "peer", info.ID, "err", err)
			return
		}
		if err := n.meetMember(ctx, info.ID); err != nil {
			log.Debugw("a peer on the local network", "peer", info.ID, "err", err)
		}
	}, nil)
}

// foundUnlessMet founds a ring when no peer of the local network has been met in time. Of
// several nodes that start at once, all but the one with the lowest ID wait longer, and join it.
func (n *Node) foundUnlessMet(ctx context.Context) {
	if pause.For(ctx, lanWait) != nil {
		return
	}
	for _, p := range n.state.Load().View.Peers() {
		if p.ID < n.self.ID && pause.For(ctx, lanWait) != nil {
			return
		}
	}
	n.step(ring.Found{})
}
