package portmap

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

const (
	// askEvery is how often the router is asked, because the network may have changed.
	askEvery = 30 * time.Second
	// lease is how long a port stays open that is not asked for again.
	lease = 2 * time.Minute
)

// Mapper asks the router to open the ports on which a host listens. It asks for the external number
// that the port had in the last run, or else for the same number as the listen port, so that the
// host keeps its external address. Mapper is safe for concurrent use.
type Mapper struct {
	network  network.Network
	gateway  func() (net.IP, error)
	search   func(ctx context.Context, gateway net.IP) (*upnpRouter, error)
	memory   Memory
	cancel   context.CancelFunc
	done     chan struct{}
	notifiee network.Notifiee
	listens  chan struct{} // there is a new listen address

	// Of the run goroutine alone:
	upnp     *upnpRouter
	searched net.IP // the gateway at the last search

	mu       sync.Mutex
	found    bool
	byNATPMP map[Port]netip.AddrPort
	byUPnP   map[Port]netip.AddrPort
}

var _ basichost.NATManager = (*Mapper)(nil)

// New starts a Mapper for the listen addresses of n. A nil memory remembers nothing.
func New(n network.Network, memory Memory) *Mapper {
	if memory == nil {
		memory = noMemory{}
	}
	ctx, cancel := context.WithCancel(context.Background())
	m := &Mapper{
		network: n, gateway: defaultGateway, search: findUPnP, memory: memory,
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
func (m *Mapper) Close() error {
	m.network.StopNotify(m.notifiee)
	m.cancel()
	<-m.done
	return nil
}

// HasDiscoveredNAT reports whether a router answers by NAT-PMP or UPnP.
func (m *Mapper) HasDiscoveredNAT() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.found
}

// GetMapping returns the external address that the router gave for a listen address, or nil.
func (m *Mapper) GetMapping(listen ma.Multiaddr) ma.Multiaddr {
	p, ok := mappable(listen)
	if !ok {
		return nil
	}
	m.mu.Lock()
	external, ok := m.byNATPMP[p]
	if !ok {
		external, ok = m.byUPnP[p]
	}
	m.mu.Unlock()
	if !ok {
		return nil
	}
	a, err := ma.NewMultiaddr("/ip4/" + external.Addr().String() + "/" + p.Protocol + "/" + strconv.Itoa(int(external.Port())))
	if err != nil {
		return nil
	}
	return ma.Join(a, listen[2:])
}

// External returns all external addresses that the router gave.
func (m *Mapper) External() []ma.Multiaddr {
	var out []ma.Multiaddr
	for _, a := range m.network.ListenAddresses() {
		if mapped := m.GetMapping(a); mapped != nil {
			out = append(out, mapped)
		}
	}
	return out
}

func (m *Mapper) run(ctx context.Context) {
	defer close(m.done)
	tick := time.NewTicker(askEvery)
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

// wanted returns the ports on which the host listens for others.
func (m *Mapper) wanted() []Port {
	var out []Port
	for _, a := range m.network.ListenAddresses() {
		if p, ok := mappable(a); ok && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// ask asks the router to open every port on which the host listens.
func (m *Mapper) ask(ctx context.Context) {
	gateway, err := m.gateway()
	var wg sync.WaitGroup
	// once in each network
	if m.upnp == nil && (m.searched == nil || err == nil && !gateway.Equal(m.searched)) {
		m.searched = append(net.IP{}, gateway...)
		wg.Go(func() { m.find(ctx, gateway) })
	}
	byNATPMP := make(map[Port]netip.AddrPort)
	if err == nil {
		byNATPMP, err = openByNATPMP(natpmp.NewClientWithTimeout(gateway, natpmpTimeout), m.wanted(), m.numberFor)
	}
	if err != nil {
		log.Debugw("no port opened by NAT-PMP", "gateway", gateway, "err", err)
	}
	m.mu.Lock()
	m.byNATPMP = byNATPMP
	m.mu.Unlock()
	wg.Wait()
	byUPnP := m.askUPnP(ctx, slices.DeleteFunc(m.wanted(), func(p Port) bool { _, has := byNATPMP[p]; return has }))
	m.mu.Lock()
	m.byUPnP, m.found = byUPnP, err == nil || m.upnp != nil
	m.mu.Unlock()
	m.memory.SetExternal(m.all())
}

func (m *Mapper) find(ctx context.Context, gateway net.IP) {
	r, err := m.search(ctx, gateway)
	if err != nil {
		log.Debugw("no router found by UPnP", "err", err)
		return
	}
	m.upnp = r
}

// askUPnP asks the router to open ports by UPnP, and returns those that are open. TCP and UDP get
// the same number where that is free for both.
func (m *Mapper) askUPnP(ctx context.Context, wanted []Port) map[Port]netip.AddrPort {
	opened := make(map[Port]netip.AddrPort)
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
		numbers := []int{m.numberFor(p), p.Number}
		if held.IsValid() {
			numbers = slices.Insert(numbers, 0, int(held.Port()))
		}
		for other, external := range opened {
			if other.Number == p.Number {
				numbers = slices.Insert(numbers, 0, int(external.Port()))
			}
		}
		number, oerr := m.upnp.open(ctx, p, numbers...)
		if oerr != nil {
			log.Debugw("a port not opened by UPnP", "protocol", p.Protocol, "port", p.Number, "err", oerr)
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

// numberFor returns the external number to ask for: that of the last run, or the number of p
// itself.
func (m *Mapper) numberFor(p Port) int {
	if n := m.memory.External(p); n != 0 {
		return n
	}
	return p.Number
}

// all returns the ports that are open by either protocol.
func (m *Mapper) all() map[Port]netip.AddrPort {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[Port]netip.AddrPort, len(m.byNATPMP)+len(m.byUPnP))
	for _, opened := range []map[Port]netip.AddrPort{m.byUPnP, m.byNATPMP} {
		for p, external := range opened {
			out[p] = external
		}
	}
	return out
}

// release gives the ports back.
func (m *Mapper) release() {
	m.mu.Lock()
	byNATPMP, byUPnP := m.byNATPMP, m.byUPnP
	m.byNATPMP, m.byUPnP = nil, nil
	m.mu.Unlock()
	if gateway, err := m.gateway(); err == nil && len(byNATPMP) > 0 {
		closeByNATPMP(natpmp.NewClientWithTimeout(gateway, natpmpTimeout/4), byNATPMP)
	}
	ctx, cancel := context.WithTimeout(context.Background(), natpmpTimeout/2)
	defer cancel()
	for p, external := range byUPnP {
		if m.upnp == nil || m.upnp.close(ctx, p, int(external.Port())) != nil {
			return // the router closes it by itself
		}
	}
}
