package observed

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/p2phost/hostevents"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// maxClaims bounds the peers whose own claims are remembered.
const maxClaims = 4096

// Addresses are the public addresses of a host and of its peers, as far as the host knows them.
// They are safe for concurrent use.
type Addresses struct {
	bootstrap map[peer.ID]bool // whose observations count more than those of others
	changed   chan struct{}    // there is a new observation

	mu           sync.Mutex
	host         host.Host // nil until attached
	sources      Sources
	observations map[string]observation // by connection
	claims       map[peer.ID]claim
	interfaces   []netip.Prefix
	interfacesAt time.Time // when they were looked up
}

// observation is how the peer at the other end of a connection sees this host.
type observation struct {
	by    peer.ID
	addr  ma.Multiaddr
	local ma.Multiaddr
}

// claim is what a peer said of its own addresses before a hole was punched.
type claim struct {
	ips    []netip.Addr
	missed bool // it could not be dialed behind the same router
}

// Sources are where Addresses look things up. Conns and Book are nil until the host is attached.
type Sources struct {
	Interfaces func() ([]net.Addr, error)
	Conns      func(peer.ID) []network.Conn
	Book       func(peer.ID) []ma.Multiaddr
}

// New returns the Addresses of a host with these bootstrap peers.
func New(bootstrap []peer.AddrInfo) *Addresses {
	return NewFrom(bootstrap, Sources{Interfaces: net.InterfaceAddrs})
}

// NewFrom is New with other sources than the system's and, when attached, the host's.
func NewFrom(bootstrap []peer.AddrInfo, s Sources) *Addresses {
	a := &Addresses{
		bootstrap: make(map[peer.ID]bool), changed: make(chan struct{}, 1), sources: s,
		observations: make(map[string]observation), claims: make(map[peer.ID]claim),
	}
	for _, b := range bootstrap {
		a.bootstrap[b.ID] = true
	}
	return a
}

// Attach begins to follow how others see h, until ctx ends. wait waits for that.
func (a *Addresses) Attach(ctx context.Context, h host.Host) (wait func(), err error) {
	a.mu.Lock()
	a.host, a.sources.Conns, a.sources.Book = h, h.Network().ConnsToPeer, h.Peerstore().Addrs
	a.mu.Unlock()
	gone := &network.NotifyBundle{DisconnectedF: func(_ network.Network, c network.Conn) {
		a.mu.Lock()
		delete(a.observations, c.ID())
		a.mu.Unlock()
	}}
	h.Network().Notify(gone)
	ended, err := hostevents.Follow(ctx, h, "observed addresses", a.observe)
	if err != nil {
		h.Network().StopNotify(gone)
		return nil, err
	}
	return func() {
		ended()
		h.Network().StopNotify(gone)
	}, nil
}

// observe takes in how a peer sees this host.
func (a *Addresses) observe(e event.EvtPeerIdentificationCompleted) {
	c := e.Conn
	if c == nil || c.IsClosed() || c.Stat().Limited || peeraddr.IsRelay(c.RemoteMultiaddr()) || len(e.ObservedAddr) < 2 || !manet.IsPublicAddr(e.ObservedAddr) {
		return
	}
	a.Observe(c.ID(), e.Peer, e.ObservedAddr, c.LocalMultiaddr())
}

// Observe notes that the peer by sees this host under addr, over a connection whose end here is
// local.
func (a *Addresses) Observe(conn string, by peer.ID, addr, local ma.Multiaddr) {
	a.mu.Lock()
	_, known := a.observations[conn]
	a.observations[conn] = observation{by: by, addr: addr, local: local}
	a.mu.Unlock()
	if !known {
		a.Notify()
	}
}

// Changed returns a channel that has a value when something new is known of the host's addresses,
// or of which peers are behind the same router. It has one reader.
func (a *Addresses) Changed() <-chan struct{} { return a.changed }

// Notify makes Changed's channel have a value.
func (a *Addresses) Notify() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// IsBootstrap reports whether p is one of the bootstrap peers.
func (a *Addresses) IsBootstrap(p peer.ID) bool { return a.bootstrap[p] }
