package node

import (
	"context"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	manet "github.com/multiformats/go-multiaddr/net"
)

// The words for how others reach a node.
const (
	reachablePublic  = "public"
	reachablePrivate = "private"
	reachableUnknown = "unknown"
)

// followReachability keeps what libp2p has found out about the node's addresses.
func (n *Node) followReachability() error {
	sub, err := n.host.EventBus().Subscribe(new(event.EvtHostReachableAddrsChanged))
	if err != nil {
		return err
	}
	n.spawn(func(ctx context.Context) {
		defer func() { _ = sub.Close() }()
		for {
			select {
			case e, ok := <-sub.Out():
				if !ok {
					return
				}
				if changed, ok := e.(event.EvtHostReachableAddrsChanged); ok {
					n.reachable.Store(&changed)
				}
			case <-ctx.Done():
				return
			}
		}
	})
	return nil
}

// reachability is "public" when a peer elsewhere has confirmed one of the
// addresses, "private" when there is none that could be public or all were tried in vain.
func (n *Node) reachability() string {
	if r := n.reachable.Load(); r != nil {
		switch {
		case len(r.Reachable) > 0:
			return reachablePublic
		case len(r.Unknown) == 0 && len(r.Unreachable) > 0:
			return reachablePrivate
		}
	}
	for _, a := range n.host.Addrs() {
		if manet.IsPublicAddr(a) {
			return reachableUnknown
		}
	}
	for _, c := range n.host.Network().Conns() {
		if c.Stat().Limited || c.Stat().Direction == network.DirInbound {
			continue
		}
		if manet.IsPublicAddr(c.RemoteMultiaddr()) {
			return reachablePrivate
		}
	}
	return reachableUnknown
}
