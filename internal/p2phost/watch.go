package p2phost

import (
	"sync/atomic"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/p2phost/traffic"
	"github.com/p2pchord/p2pchord/internal/p2phost/upgrade"
	"github.com/p2pchord/p2pchord/internal/portmap"
)

// Watch keeps what libp2p reports only to those who were there when the host was built: the bytes
// that each connection carries, how hole punching ended, and what the router mapped. Give one to
// Config.Watch; it serves one host. A nil Watch watches nothing. It owns no goroutine.
type Watch struct {
	traffic traffic.Counter
	punches upgrade.Log
	router  atomic.Pointer[basichost.NATManager]
}

// NewWatch returns a Watch for one host.
func NewWatch() *Watch { return &Watch{} }

// Traffic returns what c has carried. libp2p counts by peer: while there are two
// connections to one peer, bytes count for the one that new streams use.
func (w *Watch) Traffic(c network.Conn) traffic.Bytes {
	if w == nil {
		return traffic.Bytes{}
	}
	return w.traffic.Of(c)
}

// Punches returns the last attempt with each peer, the newest first.
func (w *Watch) Punches() []upgrade.Attempt {
	if w == nil {
		return nil
	}
	return w.punches.Attempts()
}

// Mapping is what the router does for a port.
type Mapping struct {
	// Router says that one was found that speaks UPnP or NAT-PMP.
	Router bool
	// Outside is the address it gave for each of the listen addresses asked for; nil where it gave
	// none.
	Outside []ma.Multiaddr
}

// Mapping returns what the router has mapped for the listen addresses given.
func (w *Watch) Mapping(listen []ma.Multiaddr) Mapping {
	var m Mapping
	if w == nil || w.router.Load() == nil {
		return m
	}
	router := *w.router.Load()
	m.Router = router.HasDiscoveredNAT()
	for _, a := range listen {
		m.Outside = append(m.Outside, router.GetMapping(a))
	}
	return m
}

// mapped returns the addresses at which the router lets others in.
func (w *Watch) mapped() []ma.Multiaddr {
	if w == nil || w.router.Load() == nil {
		return nil
	}
	if m, ok := (*w.router.Load()).(*portmap.Mapper); ok {
		return m.External()
	}
	return nil
}

// options returns the options with which the host is built.
func (w *Watch) options() []libp2p.Option {
	if w == nil {
		return nil
	}
	return []libp2p.Option{libp2p.BandwidthReporter(&w.traffic)}
}

// portMap asks the router for ports, and remembers whom to ask what it gave.
func (w *Watch) portMap(ports portmap.Memory) libp2p.Option {
	return libp2p.NATManager(func(n network.Network) basichost.NATManager {
		m := basichost.NATManager(portmap.New(n, ports))
		if w != nil {
			w.router.Store(&m)
		}
		return m
	})
}

// punchLog returns where hole punching is logged; nil for nowhere.
func (w *Watch) punchLog() *upgrade.Log {
	if w == nil {
		return nil
	}
	return &w.punches
}

// attach begins to count h's connections; those that are there already as well.
func (w *Watch) attach(h host.Host) {
	if w == nil {
		return
	}
	h.Network().Notify(&network.NotifyBundle{
		ConnectedF:    func(_ network.Network, c network.Conn) { w.traffic.Opened(c) },
		DisconnectedF: func(_ network.Network, c network.Conn) { w.traffic.Closed(c) },
	})
	for _, c := range h.Network().Conns() {
		w.traffic.Opened(c)
		if c.IsClosed() {
			w.traffic.Closed(c)
		}
	}
}
