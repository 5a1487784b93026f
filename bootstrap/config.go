package bootstrap

import (
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/p2phost/limits"
	"github.com/p2pchord/p2pchord/internal/p2phost/relays"
	"github.com/p2pchord/p2pchord/network/statement"
)

// DefaultPort is the TCP and UDP port of a bootstrap peer.
const DefaultPort = 4700

// The default of Config.MaxPeers, and the shortest heartbeat.
const (
	defaultMaxPeers  = 10_000
	defaultHeartbeat = 3 * time.Second
	minHeartbeat     = 10 * time.Millisecond
	maxHeartbeat     = 5 * time.Minute
)

// The defaults of Config.Connections and Config.ConnectionsPerAddress.
const (
	DefaultConnections           = limits.BootstrapConnections
	DefaultConnectionsPerAddress = limits.BootstrapConnectionsPerAddress
)

// RelayLimits bounds what the relay of a bootstrap peer carries.
type RelayLimits = relays.Limits

// DefaultRelayLimits returns the limits that a zero Config.Relay stands for.
func DefaultRelayLimits() RelayLimits { return relays.DefaultLimits() }

// Config says how a Peer runs. The zero value of every field but Data is a good default.
type Config struct {
	// Data is the folder that holds the peer's identity and the members that it
	// remembers. Made if it isn't there. One process at a time.
	Data string
	// Network makes the peer introduce and relay the members of a private network only, of which it
	// need not know more. Default: the network that Data has, or else an open ring.
	Network statement.NetworkID
	// Listen lists the addresses to listen on. Default: TCP and QUIC on DefaultPort, on all
	// interfaces. Unlike a node it fails when that port is taken: others have written its address
	// down.
	Listen []ma.Multiaddr
	// Announce lists further addresses under which others reach it.
	Announce []ma.Multiaddr
	// Heartbeat is how often members are told to say that they live, 10 ms to 5 min. Default 3 s:
	// a lost one is noticed after three and a half times that.
	Heartbeat time.Duration
	// MaxPeers bounds the roster. Default 10,000.
	MaxPeers int
	// Relay bounds the relay service; zero fields take their defaults.
	Relay RelayLimits
	// Connections is how many connections there may be, ConnectionsPerAddress how many of them with
	// peers behind one IPv4 address or IPv6 /56. Default DefaultConnections and
	// DefaultConnectionsPerAddress.
	Connections, ConnectionsPerAddress int
	// Server is for a rented host: no address of a local network is dialed or announced, and no
	// router is asked for a port.
	Server bool
	// Events, if not nil, is called with each change of the roster, in order, by one goroutine of
	// its own, so it may block: nothing waits for it. Events that come while 1,024 wait are
	// dropped; an Event of the kind EventDropped then says how many. Close waits for it for up to
	// five seconds. It may call Roster, and must not call Close.
	Events func(Event)
	// Reachable, if not nil, is called, from one goroutine, with public addresses of the peer, each
	// with its /p2p/ID, that it has got since the start: those of ports that the router opened. It
	// must not call Close.
	Reachable func([]ma.Multiaddr)
	// Version is what others see as p2pchord/VERSION. Default: from the build.
	Version string
	// Registerer receives libp2p's metrics. Default: none are kept.
	Registerer prometheus.Registerer
}

func (c Config) withDefaults() Config {
	if c.Heartbeat == 0 {
		c.Heartbeat = defaultHeartbeat
	}
	if c.MaxPeers == 0 {
		c.MaxPeers = defaultMaxPeers
	}
	if c.Events == nil {
		c.Events = func(Event) {}
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.Data == "":
		return fault.New(fault.Usage, "a bootstrap peer needs a data folder: give --data")
	case c.Heartbeat < minHeartbeat || c.Heartbeat > maxHeartbeat:
		return fault.New(fault.Usage, "a heartbeat of %s is not between %s and %s", c.Heartbeat, minHeartbeat, maxHeartbeat)
	case c.MaxPeers < 1:
		return fault.New(fault.Usage, "a roster of %d peers is too small: give 1 or more", c.MaxPeers)
	}
	return nil
}
