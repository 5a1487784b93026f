package node

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

	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// maxObservers bounds the peers whose word on this host's addresses is kept.
const maxObservers = 128

// sight is what others have told of a host's addresses: where they saw its connections
// come from, and which addresses testers could reach. It is safe for concurrent use.
type sight struct {
	host host.Host
	sub  event.Subscription

	mu   sync.Mutex
	nat  map[network.NATTransportProtocol]network.NATDeviceType
	seen []observation // the newest last, one for each peer and transport
}

// observation is what one peer saw of one connection that this host opened.
type observation struct {
	peer      peer.ID
	transport string
	from      ma.Multiaddr // this end, as it is here
	as        ma.Multiaddr // this end, as the peer sees it
	at        ma.Multiaddr // the peer's end
}

// newSight begins to listen; run takes in what comes.
func newSight(h host.Host) (*sight, error) {
	sub, err := h.EventBus().Subscribe([]any{
		new(event.EvtNATDeviceTypeChanged), new(event.EvtPeerIdentificationCompleted),
	}, eventbus.Name("p2pchord sight"), eventbus.BufSize(256))
	if err != nil {
		return nil, fault.New(fault.Failed, "can't follow what others say of this peer's addresses: %w", err)
	}
	return &sight{host: h, sub: sub, nat: make(map[network.NATTransportProtocol]network.NATDeviceType)}, nil
}

// run takes in what is told until ctx ends.
func (s *sight) run(ctx context.Context) {
	defer func() { _ = s.sub.Close() }() // it can only say that it is closed already
	for {
		select {
		case e, ok := <-s.sub.Out():
			if !ok {
				return
			}
			s.take(e)
		case <-ctx.Done():
			return
		}
	}
}

func (s *sight) take(e any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e := e.(type) {
	case event.EvtNATDeviceTypeChanged:
		s.nat[e.TransportProtocol] = e.NatDeviceType
	case event.EvtPeerIdentificationCompleted:
		s.observed(e)
	}
}

// observed keeps where a peer saw a connection come from that this host opened to it
// directly. Of one that the peer opened it only says what the peer dialled.
func (s *sight) observed(e event.EvtPeerIdentificationCompleted) {
	if e.Conn == nil || e.ObservedAddr == nil || e.Conn.Stat().Direction != network.DirOutbound || connpath.Of(e.Conn).Kind != PathDirect {
		return
	}
	o := observation{
		peer: e.Peer, transport: connpath.Transport(e.Conn.RemoteMultiaddr()),
		from: e.Conn.LocalMultiaddr(), as: e.ObservedAddr, at: e.Conn.RemoteMultiaddr(),
	}
	s.seen = slices.DeleteFunc(s.seen, func(old observation) bool { return old.peer == o.peer && old.transport == o.transport })
	if len(s.seen) == maxObservers {
		s.seen = s.seen[1:]
	}
	s.seen = append(s.seen, o)
}

// verdicts is what testers found out about the addresses that could be public.
func (s *sight) verdicts() (out event.EvtHostReachableAddrsChanged) {
	if h, ok := s.host.(interface {
		ConfirmedAddrs() (reachable, unreachable, unknown []ma.Multiaddr)
	}); ok {
		out.Reachable, out.Unreachable, out.Unknown = h.ConfirmedAddrs()
	}
	return out
}

// observations returns what peers saw, the newest last.
func (s *sight) observations() []observation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// natType is libp2p's own judgement of the router, which takes nine observers or more.
func (s *sight) natType(t network.NATTransportProtocol) network.NATDeviceType {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nat[t]
}
