package p2phost

import (
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/x/rate"
)

// RelayLimits bounds the relay service of a bootstrap peer. The defaults are made for
// files, and for a classroom whose peers all come from one address; libp2p's own are
// made for strangers: 128 KiB and two minutes a circuit, 8 reservations an address.
type RelayLimits struct {
	// Reservations is how many peers may hold a relay slot. Default 1,024.
	Reservations int
	// ReservationsPerIP bounds those from one IP address. Default 256.
	ReservationsPerIP int
	// ReservationsPerASN bounds those from one IPv6 network operator. Default 1,024.
	ReservationsPerASN int
	// CircuitsPerPeer is how many relayed connections one peer may have. Default 64.
	CircuitsPerPeer int
	// BufferBytes is the buffer of a circuit, one for each direction. Default 16 KiB:
	// half of it costs throughput, four times it gains none.
	BufferBytes int
	// DataBytes is what a circuit may carry in each direction. Default 4 GiB. It is
	// never "unlimited": only a limited connection tells libp2p that a direct one is still wanted. A transfer
	// that is not done then goes on over a new circuit.
	DataBytes int64
	// Duration is how long a circuit may last. Default 4 h.
	Duration time.Duration
	// PeerBytesPerDay and BytesPerDay are what one peer, and all of them together, may send through the relay at once, and
	// in a day on average. Beyond that they are slowed down to that average, not cut off: a peer that can be reached
	// only through the relay stays in its ring. Default 64 GiB and 512 GiB.
	PeerBytesPerDay, BytesPerDay int64
	// ReservationTTL is how long a slot is held without renewal. Default 1 h.
	ReservationTTL time.Duration
	// BytesPerSecond bounds what the relay carries, all circuits and both directions together; peers that
	// send at the same time get equal shares of it. Default 0: no bound.
	BytesPerSecond int64
}

// DefaultRelayLimits returns the limits described at RelayLimits.
func DefaultRelayLimits() RelayLimits {
	return RelayLimits{
		Reservations:       1024,
		ReservationsPerIP:  256,
		ReservationsPerASN: 1024,
		CircuitsPerPeer:    64,
		BufferBytes:        16 << 10,
		DataBytes:          4 << 30,
		Duration:           4 * time.Hour,
		PeerBytesPerDay:    64 << 30,
		BytesPerDay:        512 << 30,
		ReservationTTL:     time.Hour,
	}
}

// withDefaults returns l with the default in the place of every field that is not positive.
func (l RelayLimits) withDefaults() RelayLimits {
	d := DefaultRelayLimits()
	return RelayLimits{
		Reservations:       positive(l.Reservations, d.Reservations),
		ReservationsPerIP:  positive(l.ReservationsPerIP, d.ReservationsPerIP),
		ReservationsPerASN: positive(l.ReservationsPerASN, d.ReservationsPerASN),
		CircuitsPerPeer:    positive(l.CircuitsPerPeer, d.CircuitsPerPeer),
		BufferBytes:        positive(l.BufferBytes, d.BufferBytes),
		DataBytes:          positive(l.DataBytes, d.DataBytes),
		Duration:           positive(l.Duration, d.Duration),
		ReservationTTL:     positive(l.ReservationTTL, d.ReservationTTL),
		PeerBytesPerDay:    positive(l.PeerBytesPerDay, d.PeerBytesPerDay),
		BytesPerDay:        positive(l.BytesPerDay, d.BytesPerDay),
		BytesPerSecond:     max(l.BytesPerSecond, 0),
	}
}

func positive[T ~int | ~int64](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

func (l RelayLimits) resources() relay.Resources {
	return relay.Resources{
		Limit:                 &relay.RelayLimit{Duration: l.Duration, Data: l.DataBytes},
		ReservationTTL:        l.ReservationTTL,
		MaxReservations:       l.Reservations,
		MaxCircuits:           l.CircuitsPerPeer,
		BufferSize:            l.BufferBytes,
		MaxReservationsPerIP:  l.ReservationsPerIP,
		MaxReservationsPerASN: l.ReservationsPerASN,
	}
}

// The connections that a host may have when its Config doesn't say, in all and behind one address.
const (
	PeerConnections                = 2048
	PeerConnectionsPerAddress      = 512
	BootstrapConnections           = 12_288
	BootstrapConnectionsPerAddress = 1024
)

// ringLimits are the resource limits of a host: enough for every peer of a ring, many
// of which may stand behind one address, and for the streams of many transfers with one peer.
type ringLimits struct {
	conns       int     // open connections in all
	connsPerIP  int     // of them from one IPv4 address or IPv6 /56
	dialsPerSec float64 // new connections per second from one of these, after a burst
	burst       int     // of so many; as many may be in the middle of being set up
	streams     int     // open streams in all
	peerStreams int     // of them with one peer
}

// limitsFor returns the limits of cfg's profile, with the connections that cfg asks for. Who asks for more gets
// more of what goes with them; who asks for less keeps the room for setting them up.
func limitsFor(cfg Config) ringLimits {
	l := ringLimits{conns: PeerConnections, connsPerIP: PeerConnectionsPerAddress, dialsPerSec: 20, streams: 8 * PeerConnections, peerStreams: 2048}
	if cfg.Profile == Bootstrap {
		l = ringLimits{conns: BootstrapConnections, connsPerIP: BootstrapConnectionsPerAddress, dialsPerSec: 50, streams: 4 * BootstrapConnections, peerStreams: 512}
	}
	each, behindOne := l.streams/l.conns, l.connsPerIP
	l.conns = positive(cfg.Connections, l.conns)
	l.connsPerIP = positive(cfg.ConnectionsPerAddress, l.connsPerIP)
	l.streams = max(l.streams, each*l.conns)
	l.burst = max(l.connsPerIP, behindOne)
	return l
}

// newResourceManager builds limits sized for rings; memory and file descriptors stay a share of what the machine has.
func newResourceManager(cfg Config) (network.ResourceManager, error) {
	l := limitsFor(cfg)
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
		// Streams without a protocol are bounded by peer, and those of strangers in all (strangerLimits): one small
		// number for everybody could be used up by anybody.
		Streams: rcmgr.LimitVal(l.streams), StreamsInbound: rcmgr.LimitVal(l.streams), StreamsOutbound: rcmgr.LimitVal(l.streams),
	}
	// The relay accounts two buffers for each circuit, against the service and against each of its peers.
	r := cfg.Relay.withDefaults()
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
	if cfg.Registerer == nil {
		opts = append(opts, rcmgr.WithMetricsDisabled())
	}
	rm, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits), opts...)
	if err != nil {
		return nil, err
	}
	m := &namedLimits{ResourceManager: rm, limits: l, logged: loggedLimits{}}
	m.strangers = newStrangers(l.strangers(), cfg.Neighbor, func(limit error, from peer.ID) {
		_ = m.named(m.connection(limit), network.DirInbound, from.String(), limit) // for the log
	})
	return m, nil
}

// dialRates lets new connections from one address arrive at l.dialsPerSec after a burst; loopback is free.
func dialRates(l ringLimits) *rate.Limiter {
	one := rate.Limit{RPS: l.dialsPerSec, Burst: l.burst}
	four := rate.Limit{RPS: 4 * l.dialsPerSec, Burst: 4 * l.burst}
	return &rate.Limiter{
		NetworkPrefixLimits: []rate.PrefixLimit{
			{Prefix: netip.MustParsePrefix("127.0.0.0/8")},
			{Prefix: netip.MustParsePrefix("::1/128")},
		},
		SubnetRateLimiter: rate.SubnetLimiter{
			IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: one}},
			IPv6SubnetLimits: []rate.SubnetLimit{{PrefixLength: 56, Limit: one}, {PrefixLength: 48, Limit: four}},
			GracePeriod:      time.Minute,
		},
	}
}
