package netcheck

import (
	"context"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// maxObservers bounds the peers whose observations are kept.
const maxObservers = 128

// Observer collects what other peers observe of a host's addresses: where they see its connections
// come from, and which addresses testers could reach. It is safe for concurrent use.
type Observer struct {
	host host.Host
	sub  event.Subscription

	mu   sync.Mutex
	nat  map[network.NATTransportProtocol]network.NATDeviceType
	seen []observation // one for each peer and transport, the newest last
}

// observation is what one peer saw of one connection that this host opened.
type observation struct {
	peer      peer.ID
	transport string
	from      ma.Multiaddr // this end, as it is here
	as        ma.Multiaddr // this end, as the peer sees it
	at        ma.Multiaddr // the peer's end
}

// NewObserver returns an Observer of h. It collects nothing until Run is called.
func NewObserver(h host.Host) (*Observer, error) {
	sub, err := h.EventBus().Subscribe([]any{
		new(event.EvtNATDeviceTypeChanged), new(event.EvtPeerIdentificationCompleted),
	}, eventbus.Name("p2pchord address observer"), eventbus.BufSize(256))
	if err != nil {
		return nil, fault.New(fault.Failed, "can't follow how others see this peer's addresses: %w", err)
	}
	return &Observer{host: h, sub: sub, nat: make(map[network.NATTransportProtocol]network.NATDeviceType)}, nil
}

// Run collects observations until ctx ends.
func (o *Observer) Run(ctx context.Context) {
	defer func() { _ = o.sub.Close() }() // it can only say that it is closed already
	for {
		select {
		case e, ok := <-o.sub.Out():
			if !ok {
				return
			}
			o.take(e)
		case <-ctx.Done():
			return
		}
	}
}

func (o *Observer) take(e any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch e := e.(type) {
	case event.EvtNATDeviceTypeChanged:
		o.nat[e.TransportProtocol] = e.NatDeviceType
	case event.EvtPeerIdentificationCompleted:
		o.observed(e)
	}
}

// observed keeps where a peer saw a direct connection come from that this host opened to it. Of a
// connection that the peer opened, it knows only what it dialed.
func (o *Observer) observed(e event.EvtPeerIdentificationCompleted) {
	if e.Conn == nil || e.ObservedAddr == nil || e.Conn.Stat().Direction != network.DirOutbound {
		return
	}
	if connpath.Of(e.Conn).Kind != connpath.Direct {
		return
	}
	seen := observation{
		peer: e.Peer, transport: connpath.Transport(e.Conn.RemoteMultiaddr()),
		from: e.Conn.LocalMultiaddr(), as: e.ObservedAddr, at: e.Conn.RemoteMultiaddr(),
	}
	o.seen = slices.DeleteFunc(o.seen, func(old observation) bool {
		return old.peer == seen.peer && old.transport == seen.transport
	})
	if len(o.seen) == maxObservers {
		o.seen = o.seen[1:]
	}
	o.seen = append(o.seen, seen)
}

// confirmed returns what testers found out about those addresses of h that could be public.
func confirmed(h host.Host) (out event.EvtHostReachableAddrsChanged) {
	if h, ok := h.(interface {
		ConfirmedAddrs() (reachable, unreachable, unknown []ma.Multiaddr)
	}); ok {
		out.Reachable, out.Unreachable, out.Unknown = h.ConfirmedAddrs()
	}
	return out
}

// observations returns what peers observed, the newest last.
func (o *Observer) observations() []observation {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.seen)
}

// natType returns libp2p's own judgment of the router, which takes nine observers or more.
func (o *Observer) natType(t network.NATTransportProtocol) network.NATDeviceType {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.nat[t]
}

// Reachability is ReachablePublic when a peer elsewhere has confirmed one of the addresses. It is
// ReachablePrivate when testers reached none of those that could be public, or when there is none
// although a peer on the internet is connected. Otherwise it is ReachableUnknown.
func (o *Observer) Reachability() string {
	r := confirmed(o.host)
	switch {
	case len(r.Reachable) > 0:
		return ReachablePublic
	case len(r.Unknown) == 0 && len(r.Unreachable) > 0:
		return ReachablePrivate
	}
	if len(peeraddr.Public(o.host.Addrs())) > 0 {
		return ReachableUnknown
	}
	for _, c := range o.host.Network().Conns() {
		outbound := c.Stat().Direction == network.DirOutbound && connpath.Of(c).Kind == connpath.Direct
		if outbound && manet.IsPublicAddr(c.RemoteMultiaddr()) {
			return ReachablePrivate
		}
	}
	return ReachableUnknown
}
