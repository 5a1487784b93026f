package p2phost

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/portmap"
)

// Watch keeps what libp2p tells of a host only to those who were there when it was
// built: the bytes that each connection carries, how hole punching ended, and what the
// router mapped. Give one to Config.Watch; it serves one host. A nil Watch watches nothing.
// It owns no goroutine.
type Watch struct {
	traffic traffic
	punches punchLog
	router  atomic.Pointer[basichost.NATManager]
}

// NewWatch returns a Watch for one host.
func NewWatch() *Watch { return &Watch{} }

// Traffic is the bytes of streams that a connection has carried, each way.
type Traffic struct{ In, Out int64 }

// Traffic returns what c has carried. libp2p counts by peer: while there are two
// connections to one peer, bytes count for the one that new streams use.
func (w *Watch) Traffic(c network.Conn) Traffic {
	if w == nil {
		return Traffic{}
	}
	return w.traffic.of(c)
}

// Punch is how the last attempt at a direct connection with a peer ended.
type Punch struct {
	Peer     peer.ID
	At       time.Time // when that became known
	Direct   bool      // a direct connection came of it
	Dialed   bool      // the other end was reached without punching
	Attempts int       // punches tried
	Took     time.Duration
	Err      string // why it failed
	Under    bool   // it is under way
}

// Punches returns the last attempt with each peer, the newest first.
func (w *Watch) Punches() []Punch {
	if w == nil {
		return nil
	}
	return w.punches.list()
}

// Mapping is what the router does for a port.
type Mapping struct {
	// Router says that one was found that speaks UPnP or NAT-PMP.
	Router bool
	// Outside is the address it gave for each of the listen addresses asked for; nil where it gave none.
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

// mapped are the addresses at which the router lets others in.
func (w *Watch) mapped() []ma.Multiaddr {
	if w == nil || w.router.Load() == nil {
		return nil
	}
	if m, ok := (*w.router.Load()).(*portmap.Mapper); ok {
		return m.External()
	}
	return nil
}

// options are what the host is built with.
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

// punching are the options of hole punching.
func (w *Watch) punching(filter holepunch.AddrFilter) []holepunch.Option {
	opts := []holepunch.Option{holepunch.WithAddrFilter(filter)}
	if w != nil {
		opts = append(opts, holepunch.WithTracer(&w.punches))
	}
	return opts
}

// attach begins to count h's connections; those that are there already as well.
func (w *Watch) attach(h host.Host) {
	if w == nil {
		return
	}
	h.Network().Notify(&network.NotifyBundle{
		ConnectedF:    func(_ network.Network, c network.Conn) { w.traffic.opened(c) },
		DisconnectedF: func(_ network.Network, c network.Conn) { w.traffic.closed(c) },
	})
	for _, c := range h.Network().Conns() {
		w.traffic.opened(c)
		if c.IsClosed() {
			w.traffic.closed(c)
		}
	}
}

// maxPunches bounds the peers whose last attempt is remembered.
const maxPunches = 64

// punchLog is a holepunch.EventTracer that remembers the last attempt with each peer.
type punchLog struct {
	mu    sync.Mutex
	peers []Punch // the newest last
}

var _ holepunch.EventTracer = (*punchLog)(nil)

// Trace takes in one step of an attempt.
func (l *punchLog) Trace(e *holepunch.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.take(e.Remote)
	p.At = time.Unix(0, e.Timestamp)
	switch evt := e.Evt.(type) {
	case *holepunch.DirectDialEvt:
		*p = Punch{Peer: e.Remote, At: p.At, Dialed: true, Direct: evt.Success, Took: evt.EllapsedTime, Err: evt.Error}
	case *holepunch.StartHolePunchEvt:
		*p = Punch{Peer: e.Remote, At: p.At, Under: true}
	case *holepunch.HolePunchAttemptEvt:
		p.Attempts++
	case *holepunch.EndHolePunchEvt:
		p.Under, p.Direct, p.Took, p.Err = false, evt.Success, evt.EllapsedTime, evt.Error
	case *holepunch.ProtocolErrorEvt:
		p.Under, p.Direct, p.Err = false, false, evt.Error
	}
}

// take moves the peer's entry to the end and returns it.
func (l *punchLog) take(id peer.ID) *Punch {
	last := Punch{Peer: id}
	for i, p := range l.peers {
		if p.Peer == id {
			last = p
			l.peers = append(l.peers[:i], l.peers[i+1:]...)
			break
		}
	}
	if len(l.peers) == maxPunches {
		l.peers = l.peers[1:]
	}
	l.peers = append(l.peers, last)
	return &l.peers[len(l.peers)-1]
}

func (l *punchLog) list() []Punch {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Punch, 0, len(l.peers))
	for i := len(l.peers) - 1; i >= 0; i-- {
		out = append(out, l.peers[i])
	}
	return out
}
