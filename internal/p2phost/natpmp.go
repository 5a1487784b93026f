package p2phost

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	natpmp "github.com/jackpal/go-nat-pmp"
	"github.com/libp2p/go-libp2p/core/network"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	"github.com/libp2p/go-netroute"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// pmpAnswers bounds the wait for a router that may not speak NAT-PMP.
	pmpAnswers = 2 * time.Second
	// pmpEvery is how often the router is asked, for the network may have changed, and pmpLasts how long a port stays
	// open that is not asked for again.
	pmpEvery = 30 * time.Second
	pmpLasts = 2 * time.Minute
)

// port is one on which a host listens.
type port struct {
	protocol string // "tcp" or "udp"
	number   int
}

// pmpManager is libp2p's manager of ports that a router opens, and asks by NAT-PMP itself: on Linux libp2p finds no router that
// speaks that, since it looks for the way to 0.0.0.0. It asks for the same number outside, again after a change of network.
// It owns a goroutine until Close.
type pmpManager struct {
	basichost.NATManager
	network network.Network
	gateway func() (net.IP, error)

	cancel   context.CancelFunc
	done     chan struct{}
	notifiee network.Notifiee

	listens chan struct{} // there is a new listen address

	mu     sync.Mutex
	found  bool
	opened map[port]netip.AddrPort
}

// newPMPManager starts one for the listen addresses of n.
func newPMPManager(n network.Network) *pmpManager {
	ctx, cancel := context.WithCancel(context.Background())
	m := &pmpManager{
		NATManager: basichost.NewNATManager(n), network: n, gateway: defaultGateway,
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

// Close closes the ports and the manager.
func (m *pmpManager) Close() error {
	m.network.StopNotify(m.notifiee)
	m.cancel()
	<-m.done
	return m.NATManager.Close()
}

// HasDiscoveredNAT reports whether a router answers by either protocol.
func (m *pmpManager) HasDiscoveredNAT() bool {
	m.mu.Lock()
	found := m.found
	m.mu.Unlock()
	return found || m.NATManager.HasDiscoveredNAT()
}

// GetMapping returns the address outside that the router gave for a listen address, or nil.
func (m *pmpManager) GetMapping(listen ma.Multiaddr) ma.Multiaddr {
	if p, ok := mappable(listen); ok {
		m.mu.Lock()
		outside, ok := m.opened[p]
		m.mu.Unlock()
		if ok {
			a, err := ma.NewMultiaddr("/ip4/" + outside.Addr().String() + "/" + p.protocol + "/" + strconv.Itoa(int(outside.Port())))
			if err == nil {
				return ma.Join(a, listen[2:])
			}
		}
	}
	return m.NATManager.GetMapping(listen)
}

// mappable returns the port of a listen address that others outside may be let to.
func mappable(listen ma.Multiaddr) (port, bool) {
	ip, ok := ipOf(listen)
	number, has := portOf(listen)
	if !ok || !has || !ip.Is4() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() {
		return port{}, false
	}
	return port{listen[1].Protocol().Name, number}, true
}

func (m *pmpManager) run(ctx context.Context) {
	defer close(m.done)
	tick := time.NewTicker(pmpEvery)
	defer tick.Stop()
	for {
		if len(m.wanted()) > 0 {
			m.ask()
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

// ask has the router open every port on which the host listens.
func (m *pmpManager) ask() {
	gateway, err := m.gateway()
	opened := make(map[port]netip.AddrPort)
	if err == nil {
		opened, err = openPorts(natpmp.NewClientWithTimeout(gateway, pmpAnswers), m.wanted())
	}
	if err != nil {
		log.Debugw("no port opened by NAT-PMP", "gateway", gateway, "err", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.found, m.opened = err == nil, opened
}

func (m *pmpManager) wanted() []port {
	var out []port
	for _, a := range m.network.ListenAddresses() {
		if p, ok := mappable(a); ok && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// openPorts asks for each of the ports, and returns those that the router opened.
func openPorts(router *natpmp.Client, wanted []port) (map[port]netip.AddrPort, error) {
	outside, err := router.GetExternalAddress()
	if err != nil {
		return nil, err
	}
	opened := make(map[port]netip.AddrPort)
	for _, p := range wanted {
		got, err := router.AddPortMapping(p.protocol, p.number, p.number, int(pmpLasts/time.Second))
		if err != nil {
			log.Debugw("a port not opened by NAT-PMP", "protocol", p.protocol, "port", p.number, "err", err)
			continue
		}
		opened[p] = netip.AddrPortFrom(netip.AddrFrom4(outside.ExternalIPAddress), got.MappedExternalPort)
	}
	return opened, nil
}

// release has the router close what it opened. When it doesn't answer, it does so by itself after pmpLasts.
func (m *pmpManager) release() {
	m.mu.Lock()
	opened := m.opened
	m.opened = nil
	m.mu.Unlock()
	gateway, err := m.gateway()
	if err != nil {
		return
	}
	router := natpmp.NewClientWithTimeout(gateway, pmpAnswers/4)
	for p := range opened {
		if _, err := router.AddPortMapping(p.protocol, p.number, 0, 0); err != nil {
			return
		}
	}
}

// defaultGateway is the router on the way to the internet: to an address of it, no packet is sent.
func defaultGateway() (net.IP, error) {
	routes, err := netroute.New()
	if err != nil {
		return nil, err
	}
	_, gateway, _, err := routes.Route(net.IPv4(192, 0, 2, 1))
	if err == nil && gateway == nil {
		err = errors.New("there is no router on the way to the internet")
	}
	return gateway, err
}
