package p2phost

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

const (
	// interfacesKept is how long the addresses of this machine are taken for unchanged.
	interfacesKept = time.Second
	// maxTold bounds the peers whose addresses outside are remembered from hole punching.
	maxTold = 4096
)

// outside is what a host knows of the world beyond its own network: under which addresses
// others see it, and behind which public addresses others are. It is safe for concurrent use.
type outside struct {
	relays map[peer.ID]bool // the bootstrap peers, whose word on what they see counts more than others'

	mu      sync.Mutex
	host    host.Host                           // nil until attached
	seen    map[string]sight                    // by connection
	told    map[peer.ID]telling                 // what peers said of themselves when they punched a hole
	own     []netip.Prefix                      // of the interfaces
	ownAt   time.Time                           // when that was looked up
	ifaces  func() ([]net.Addr, error)          // net.InterfaceAddrs
	changed chan struct{}                       // there is a new sight
	conns   func(peer.ID) []network.Conn        // nil until attached
	book    func(peer.ID) (addr []ma.Multiaddr) // nil until attached
}

// sight is what the peer at the other end of a connection sees of this host.
type sight struct {
	by    peer.ID
	addr  ma.Multiaddr
	local ma.Multiaddr
}

// telling is what a peer said of itself, and whether it could not be dialed behind the same router.
type telling struct {
	ips    []netip.Addr
	missed bool
}

func newOutside(relays []peer.AddrInfo) *outside {
	o := &outside{
		relays: make(map[peer.ID]bool), seen: make(map[string]sight), told: make(map[peer.ID]telling),
		ifaces: net.InterfaceAddrs, changed: make(chan struct{}, 1),
	}
	for _, r := range relays {
		o.relays[r.ID] = true
	}
	return o
}

// attach begins to follow what others see of h, until ctx ends.
func (o *outside) attach(ctx context.Context, h host.Host) (wait func(), err error) {
	o.mu.Lock()
	o.host, o.conns, o.book = h, h.Network().ConnsToPeer, h.Peerstore().Addrs
	o.mu.Unlock()
	gone := &network.NotifyBundle{DisconnectedF: func(_ network.Network, c network.Conn) {
		o.mu.Lock()
		delete(o.seen, c.ID())
		o.mu.Unlock()
	}}
	h.Network().Notify(gone)
	ended, err := follow(ctx, h, "outside", o.saw)
	if err != nil {
		h.Network().StopNotify(gone)
		return nil, err
	}
	return func() {
		ended()
		h.Network().StopNotify(gone)
	}, nil
}

// saw takes in what a peer says that it sees.
func (o *outside) saw(e event.EvtPeerIdentificationCompleted) {
	c := e.Conn
	if c == nil || c.IsClosed() || c.Stat().Limited || peeraddr.IsRelay(c.RemoteMultiaddr()) || len(e.ObservedAddr) < 2 || !manet.IsPublicAddr(e.ObservedAddr) {
		return
	}
	o.mu.Lock()
	_, known := o.seen[c.ID()]
	o.seen[c.ID()] = sight{by: e.Peer, addr: e.ObservedAddr, local: c.LocalMultiaddr()}
	o.mu.Unlock()
	if !known {
		o.wake()
	}
}

// wake says that there is something new.
func (o *outside) wake() {
	select {
	case o.changed <- struct{}{}:
	default:
	}
}

// miss notes that p, behind the same router, could not be dialed there; missed reports whether that is so.
func (o *outside) miss(p peer.ID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if t, ok := o.told[p]; ok {
		t.missed = true
		o.told[p] = t
	}
}

func (o *outside) missed(p peer.ID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.told[p].missed
}

// ips are the public addresses of this host: its interfaces', and those that bootstrap peers see;
// without any of these, what others see.
func (o *outside) ips() []netip.Addr {
	var out, others []netip.Addr
	for _, p := range o.interfaces() {
		if peeraddr.IsPublicIP(p.Addr()) {
			out = append(out, p.Addr())
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.seen {
		if ip, ok := peeraddr.IP(s.addr); ok && o.relays[s.by] {
			out = append(out, ip)
		} else if ok {
			others = append(others, ip)
		}
	}
	if len(out) == 0 {
		return others
	}
	return out
}

// punchable are the addresses at which the router may let a peer in that this host dials at the same
// moment: those that others see of the ports on which it listens, most often seen
// first, and guesses for those that nobody has seen.
func (o *outside) punchable() []ma.Multiaddr {
	o.mu.Lock()
	h := o.host
	count := make(map[string]int)
	var out, guessed []ma.Multiaddr
	if h != nil {
		listen := h.Network().ListenAddresses()
		for _, s := range o.seen {
			if port, ok := peeraddr.Port(s.local); !ok || !listensOn(listen, s.local, port) {
				guessed = append(guessed, onPorts(s.addr[:1], listen)...)
				continue
			}
			if key := string(s.addr.Bytes()); count[key] == 0 {
				count[key]++
				out = append(out, s.addr)
			} else {
				count[key]++
			}
		}
	}
	o.mu.Unlock()
	if h == nil {
		return nil
	}
	slices.SortStableFunc(out, func(a, b ma.Multiaddr) int { return count[string(b.Bytes())] - count[string(a.Bytes())] })
	const most = 6 // a symmetric NAT shows another port to everybody
	out = out[:min(len(out), most)]
	direct, err := h.Network().InterfaceListenAddresses()
	if err == nil {
		for _, a := range direct {
			if manet.IsPublicAddr(a) {
				out = append(out, a)
			}
		}
	}
	if all, ok := h.(interface{ AllAddrs() []ma.Multiaddr }); ok { // what a router was asked to forward is among these
		for _, a := range all.AllAddrs() {
			if !peeraddr.IsRelay(a) && manet.IsPublicAddr(a) {
				out = append(out, a)
			}
		}
	}
	return ma.Unique(append(out, guessed...))
}

// onPorts are the address ip with the ports on which a host listens: most NATs keep port numbers, and a
// connection from another port shows at least the address.
func onPorts(ip ma.Multiaddr, listen []ma.Multiaddr) []ma.Multiaddr {
	var out []ma.Multiaddr
	for _, a := range listen {
		if !peeraddr.IsRelay(a) && len(a) > 1 && a[0].Code() == ip[0].Code() {
			out = append(out, ma.Join(ip, a[1:]))
		}
	}
	return out
}

// listensOn reports whether one of listen has the port of local and its transport.
func listensOn(listen []ma.Multiaddr, local ma.Multiaddr, port int) bool {
	return slices.ContainsFunc(listen, func(a ma.Multiaddr) bool {
		p, ok := peeraddr.Port(a)
		return ok && p == port && peeraddr.IsTCP(a) == peeraddr.IsTCP(local)
	})
}

// tells notes the addresses that a peer gives of itself when a hole is punched.
func (o *outside) tells(p peer.ID, addrs []ma.Multiaddr) {
	ips := peeraddr.PublicIPs(addrs)
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, ok := o.told[p]; !ok && len(o.told) >= maxTold {
		for other := range o.told { // any: it is told again with the next hole
			delete(o.told, other)
			break
		}
	}
	o.told[p] = telling{ips: ips, missed: o.told[p].missed}
}

// ipsOf are the public addresses behind which a peer is, as far as is known.
func (o *outside) ipsOf(p peer.ID) []netip.Addr {
	o.mu.Lock()
	conns, book := o.conns, o.book
	out := slices.Clone(o.told[p].ips)
	o.mu.Unlock()
	if conns == nil {
		return out
	}
	for _, c := range conns(p) {
		if ip, ok := peeraddr.IP(c.RemoteMultiaddr()); ok && !c.Stat().Limited && peeraddr.IsPublicIP(ip) {
			out = append(out, ip)
		}
	}
	return append(out, peeraddr.PublicIPs(book(p))...)
}

// connected reports whether there is a direct connection to p.
func (o *outside) connected(p peer.ID) bool {
	o.mu.Lock()
	conns := o.conns
	o.mu.Unlock()
	return conns != nil && slices.ContainsFunc(conns(p), func(c network.Conn) bool { return !peeraddr.IsRelay(c.RemoteMultiaddr()) && !c.IsClosed() })
}

// interfaces are the addresses of this machine, each with its network.
func (o *outside) interfaces() []netip.Prefix {
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Since(o.ownAt) < interfacesKept {
		return o.own
	}
	addrs, err := o.ifaces()
	if err != nil {
		return o.own
	}
	o.own, o.ownAt = nil, time.Now()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			ones, _ := n.Mask.Size()
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				o.own = append(o.own, netip.PrefixFrom(ip.Unmap(), ones))
			}
		}
	}
	return o.own
}
