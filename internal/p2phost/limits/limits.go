package limits

import (
	"cmp"
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	libp2prate "github.com/libp2p/go-libp2p/x/rate"
	"golang.org/x/time/rate"

	"github.com/p2pchord/p2pchord/internal/p2phost/relays"
)

// The connections that a host may have when its Config doesn't say, in all and behind one address.
const (
	PeerConnections                = 2048
	PeerConnectionsPerAddress      = 512
	BootstrapConnections           = 12_288
	BootstrapConnectionsPerAddress = 1024
)

// Config says for what host the limits are.
type Config struct {
	// Bootstrap says that the host is a bootstrap peer, which has more connections and less
	// traffic.
	Bootstrap bool
	// Connections is how many connections the host may have open. 0 is the default.
	Connections int
	// PerAddress is how many of them may be with hosts behind one IPv4 address or IPv6 /56. 0 is
	// the default. Loopback is free.
	PerAddress int
	// Relay are the limits of the host's relay service, whose buffers count as its memory.
	Relay relays.Limits
	// Neighbor reports whether a peer is a neighbor in the ring; nil: nobody is.
	Neighbor func(peer.ID) bool
	// Access, if not nil, makes the host private.
	Access Access
	// Metrics says that libp2p's metrics are kept.
	Metrics bool
}

// numbers are the limits of a host: enough for every peer of a ring, many of which may stand behind
// one address, and for the streams of many transfers with one peer.
type numbers struct {
	conns       int     // open connections in all
	connsPerIP  int     // of them from one IPv4 address or IPv6 /56
	dialsPerSec float64 // new connections per second from one of these, after a burst
	burst       int     // of so many; as many may be in the middle of being set up
	streams     int     // open streams in all
	peerStreams int     // of them with one peer
}

// numbersFor returns the limits for cfg. A host with more connections gets more of what goes with
// them; one with fewer keeps the room for setting them up.
func numbersFor(cfg Config) numbers {
	l := numbers{conns: PeerConnections, connsPerIP: PeerConnectionsPerAddress, dialsPerSec: 20, streams: 8 * PeerConnections, peerStreams: 2048}
	if cfg.Bootstrap {
		l = numbers{conns: BootstrapConnections, connsPerIP: BootstrapConnectionsPerAddress, dialsPerSec: 50, streams: 4 * BootstrapConnections, peerStreams: 512}
	}
	each, behindOne := l.streams/l.conns, l.connsPerIP
	l.conns = cmp.Or(cfg.Connections, l.conns)
	l.connsPerIP = cmp.Or(cfg.PerAddress, l.connsPerIP)
	l.streams = max(l.streams, each*l.conns)
	l.burst = max(l.connsPerIP, behindOne)
	return l
}

// NewResourceManager returns a resource manager with limits sized for rings. Memory and file
// descriptors stay a share of what the machine has. Its refusals are of type *Error where the limit
// is one of this package's.
func NewResourceManager(cfg Config) (network.ResourceManager, error) {
	l := numbersFor(cfg)
	defaults := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&defaults)

	all := rcmgr.ResourceLimits{
		Conns: rcmgr.LimitVal(l.conns), ConnsInbound: rcmgr.LimitVal(l.conns), ConnsOutbound: rcmgr.LimitVal(l.conns),
		Streams: rcmgr.LimitVal(l.streams), StreamsInbound: rcmgr.LimitVal(l.streams), StreamsOutbound: rcmgr.LimitVal(l.streams),
	}
	streams := rcmgr.ResourceLimits{
		Streams: rcmgr.LimitVal(l.streams), StreamsInbound: rcmgr.LimitVal(l.streams), StreamsOutbound: rcmgr.LimitVal(l.streams),
	}
	withPeer := rcmgr.ResourceLimits{
		Streams: rcmgr.LimitVal(l.peerStreams), StreamsInbound: rcmgr.LimitVal(l.peerStreams), StreamsOutbound: rcmgr.LimitVal(l.peerStreams),
		Memory: 256 << 20,
	}
	peerAll := withPeer
	peerAll.Conns, peerAll.ConnsInbound, peerAll.ConnsOutbound = 16, 16, 16
	shaking := rcmgr.ResourceLimits{
		Conns: rcmgr.LimitVal(l.burst), ConnsInbound: rcmgr.LimitVal(l.burst), ConnsOutbound: rcmgr.LimitVal(l.burst),
		// Streams without a protocol are bounded by peer, and those of strangers in all
		// (strangerLimits): one small number for everybody could be used up by anybody.
		Streams: rcmgr.LimitVal(l.streams), StreamsInbound: rcmgr.LimitVal(l.streams), StreamsOutbound: rcmgr.LimitVal(l.streams),
	}
	// The relay accounts two buffers for each circuit, against the service and against each of its
	// peers.
	r := cfg.Relay.WithDefaults()
	relayAll, relayPeer := streams, withPeer
	relayAll.Memory = rcmgr.LimitVal64(2 * r.BufferBytes * r.Reservations * 4)
	relayPeer.Memory = rcmgr.LimitVal64(4 * r.BufferBytes * r.CircuitsPerPeer)

	limits := rcmgr.PartialLimitConfig{
		System:              all,
		Transient:           shaking,
		ServiceDefault:      streams,
		ServicePeerDefault:  withPeer,
		ProtocolDefault:     streams,
		ProtocolPeerDefault: withPeer,
		PeerDefault:         peerAll,
		Service:             map[string]rcmgr.ResourceLimits{relay.ServiceName: relayAll},
		ServicePeer:         map[string]rcmgr.ResourceLimits{relay.ServiceName: relayPeer},
	}.Build(defaults.AutoScale())

	opts := []rcmgr.Option{
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: l.connsPerIP}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: l.connsPerIP}, {PrefixLength: 48, ConnCount: 4 * l.connsPerIP}},
		),
		rcmgr.WithConnRateLimiters(dialRates(l)),
	}
	if !cfg.Metrics {
		opts = append(opts, rcmgr.WithMetricsDisabled())
	}
	rm, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits), opts...)
	if err != nil {
		return nil, err
	}
	m := &namedLimits{ResourceManager: rm, limits: l, logged: make(map[string]*rate.Sometimes)}
	refused := func(limit error, from peer.ID) {
		_ = m.named(m.connection(limit), network.DirInbound, from.String(), limit) // for the log
	}
	m.strangers = newStrangers(l.strangers(), cfg.Neighbor, refused)
	if cfg.Access != nil {
		m.probation = newProbation(cfg.Access, refused)
	}
	return m, nil
}

// dialRates lets new connections from one address arrive at l.dialsPerSec after a burst; loopback
// is free.
func dialRates(l numbers) *libp2prate.Limiter {
	one := libp2prate.Limit{RPS: l.dialsPerSec, Burst: l.burst}
	four := libp2prate.Limit{RPS: 4 * l.dialsPerSec, Burst: 4 * l.burst}
	return &libp2prate.Limiter{
		NetworkPrefixLimits: []libp2prate.PrefixLimit{
			{Prefix: netip.MustParsePrefix("127.0.0.0/8")},
			{Prefix: netip.MustParsePrefix("::1/128")},
		},
		SubnetRateLimiter: libp2prate.SubnetLimiter{
			IPv4SubnetLimits: []libp2prate.SubnetLimit{{PrefixLength: 32, Limit: one}},
			IPv6SubnetLimits: []libp2prate.SubnetLimit{{PrefixLength: 56, Limit: one}, {PrefixLength: 48, Limit: four}},
			GracePeriod:      time.Minute,
		},
	}
}

// NewConnManager returns a connection manager for rings of some thousands of peers. From a quarter
// of the connections on, or nearly all of them at a bootstrap peer, it closes those of the least
// use. Those that matter (successors, fingers, bootstrap peers) are protected by the packages that
// know them.
func NewConnManager(cfg Config) (*connmgr.BasicConnMgr, error) {
	most := numbersFor(cfg).conns
	if cfg.Bootstrap {
		return connmgr.NewConnManager(most*13/16, most*31/32, connmgr.WithGracePeriod(time.Minute))
	}
	return connmgr.NewConnManager(most*3/16, most/4, connmgr.WithGracePeriod(30*time.Second))
}
