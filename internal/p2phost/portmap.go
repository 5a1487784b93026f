package p2phost

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	natpmp "github.com/jackpal/go-nat-pmp"
	"github.com/libp2p/go-libp2p/core/network"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	ma "github.com/multiformats/go-multiaddr"
)

// portMapper has the router open the ports on which a host listens, by NAT-PMP, and by UPnP those that it doesn't open so.
// It asks for the number outside that the port had in the last run, or else for the same as inside, so that the address
// outside stays. It owns a goroutine until Close.
type portMapper struct {
	network  network.Network
	gateway  func() (net.IP, error)
	search   func(ctx context.Context, gateway net.IP) (*upnpRouter, error)
	earlier  *portFile
	cancel   context.CancelFunc
	done     chan struct{}
	notifiee network.Notifiee
	listens  chan struct{} // there is a new listen address

	// Of the run goroutine alone:
	upnp     *upnpRouter
	searched net.IP // the gateway at the last search

	mu     sync.Mutex
	found  bool
	byPMP  map[port]netip.AddrPort
	byUPnP map[port]netip.AddrPort
}

var _ basichost.NATManager = (*portMapper)(nil)

// newPortMapper starts one for the listen addresses of n.
func newPortMapper(n network.Network, earlier *portFile) *portMapper {
	ctx, cancel := context.WithCancel(context.Background())
	m := &portMapper{
		network: n, gateway: defaultGateway, search: findUPnP, earlier: earlier,
		cancel: cancel, done: make(chan struct{}), listens: make(chan struct{}, 1),
	}
	m.notifiee = &network.NotifyBundle{ListenF: func(network.Network, ma.Multiaddr) {
		select {
		case m.listens <- struct{}{}:
		default:
		}
	}}
	n.Notify(m.notifiee)
	go m.run(ctx)
	return m
}

// Close closes the ports and ends the mapper.
func (m *portMapper) Close() error {
	m.network.StopNotify(m.notifiee)
	m.cancel()
	<-m.done
	return nil
}

// HasDiscoveredNAT reports whether a router answers by either protocol.
func (m *portMapper) HasDiscoveredNAT() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.found
}

// GetMapping returns the address outside that the router gave for a listen address, or nil.
func (m *portMapper) GetMapping(listen ma.Multiaddr) ma.Multiaddr {
	p, ok := mappable(listen)
	if !ok {
		return nil
	}
	m.mu.Lock()
	outside, ok := m.byPMP[p]
	if !ok {
		outside, ok = m.byUPnP[p]
	}
	m.mu.Unlock()
	if !ok {
		return nil
	}
	a, err := ma.NewMultiaddr("/ip4/" + outside.Addr().String() + "/" + p.protocol + "/" + strconv.Itoa(int(outside.Port())))
	if err != nil {
		return nil
	}
	return ma.Join(a, listen[2:])
}

// outside are all the addresses that the router gave.
func (m *portMapper) outside() []ma.Multiaddr {
	var out []ma.Multiaddr
	for _, a := range m.network.ListenAddresses() {
		if mapped := m.GetMapping(a); mapped != nil {
			out = append(out, mapped)
		}
	}
	return out
}

func (m *portMapper) run(ctx context.Context) {
	defer close(m.done)
	tick := time.NewTicker(pmpEvery)
	defer tick.Stop()
	for {
		if len(m.wanted()) > 0 {
			m.ask(ctx)
		}
		select {
		case <-ctx.Done():
			m.release()
			return
		case <-m.listens:
		case <-tick.C:
		}
	}
}

// wanted are the ports on which the host listens for others.
func (m *portMapper) wanted() []port {
	var out []port
	for _, a := range m.network.ListenAddresses() {
		if p, ok := mappable(a); ok && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// ask has the router open every port on which the host listens.
func (m *portMapper) ask(ctx context.Context) {
	gateway, err := m.gateway()
	var wg sync.WaitGroup
	if m.upnp == nil && (m.searched == nil || err == nil && !gateway.Equal(m.searched)) { // once in each network
		m.searched = append(net.IP{}, gateway...)
		wg.Go(func() { m.find(ctx, gateway) })
	}
	byPMP := make(map[port]netip.AddrPort)
	if err == nil {
		byPMP, err = openPorts(natpmp.NewClientWithTimeout(gateway, pmpAnswers), m.wanted(), m.numberFor)
	}
	if err != nil {
		log.Debugw("no port opened by NAT-PMP", "gateway", gateway, "err", err)
	}
	m.mu.Lock()
	m.byPMP = byPMP
	m.mu.Unlock()
	wg.Wait()
	byUPnP := m.askUPnP(ctx, slices.DeleteFunc(m.wanted(), func(p port) bool { _, has := byPMP[p]; return has }))
	m.mu.Lock()
	m.byUPnP, m.found = byUPnP, err == nil || m.upnp != nil
	m.mu.Unlock()
	m.earlier.keepOutside(m.all())
}

func (m *portMapper) find(ctx context.Context, gateway net.IP) {
	r, err := m.search(ctx, gateway)
	if err != nil {
		log.Debugw("no router found by UPnP", "err", err)
		return
	}
	m.upnp = r
}

// askUPnP has the router open ports by UPnP, and returns them. TCP and UDP get the same number where that is free for both.
func (m *portMapper) askUPnP(ctx context.Context, wanted []port) map[port]netip.AddrPort {
	opened := make(map[port]netip.AddrPort)
	if m.upnp == nil || ctx.Err() != nil {
		return opened
	}
	ip, err := m.upnp.external(ctx)
	for _, p := range wanted {
		if err != nil {
			break
		}
		m.mu.Lock()
		held := m.byUPnP[p]
		m.mu.Unlock()
		numbers := []int{m.numberFor(p), p.number}
		if held.IsValid() {
			numbers = slices.Insert(numbers, 0, int(held.Port()))
		}
		for other, outside := range opened {
			if other.number == p.number {
				numbers = slices.Insert(numbers, 0, int(outside.Port()))
			}
		}
		number, oerr := m.upnp.open(ctx, p, numbers...)
		if oerr != nil {
			log.Debugw("a port not opened by UPnP", "protocol", p.protocol, "port", p.number, "err", oerr)
			if !isSOAPFault(oerr) {
				err = oerr
			}
			continue
		}
		opened[p] = netip.AddrPortFrom(ip, uint16(number)) //nolint:gosec // a port
	}
	if err != nil {
		log.Debugw("the router doesn't answer by UPnP", "err", err)
		m.upnp, m.searched = nil, nil // it may have been restarted, or this is another network
	}
	return opened
}

// numberFor is the number outside to ask for: that of the last run, or the same as inside.
func (m *portMapper) numberFor(p port) int {
	if n := m.earlier.outside(p); n != 0 {
		return n
	}
	return p.number
}

// all are the ports that are open by either protocol.
func (m *portMapper) all() map[port]netip.AddrPort {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[port]netip.AddrPort, len(m.byPMP)+len(m.byUPnP))
	for _, opened := range []map[port]netip.AddrPort{m.byUPnP, m.byPMP} {
		for p, outside := range opened {
			out[p] = outside
		}
	}
	return out
}

// release gives the ports back.
func (m *portMapper) release() {
	m.mu.Lock()
	byPMP, byUPnP := m.byPMP, m.byUPnP
	m.byPMP, m.byUPnP = nil, nil
	m.mu.Unlock()
	if gateway, err := m.gateway(); err == nil && len(byPMP) > 0 {
		closePorts(natpmp.NewClientWithTimeout(gateway, pmpAnswers/4), byPMP)
	}
	ctx, cancel := context.WithTimeout(context.Background(), pmpAnswers/2)
	defer cancel()
	for p, outside := range byUPnP {
		if m.upnp == nil || m.upnp.close(ctx, p, int(outside.Port())) != nil {
			return // the router closes it by itself
		}
	}
}
