package p2phost

import (
	"runtime/debug"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/p2phost/limits"
	"github.com/p2pchord/p2pchord/internal/p2phost/listen"
	"github.com/p2pchord/p2pchord/internal/p2phost/relays"
)

// Profile says what a host is for.
type Profile int

// The profiles.
const (
	// Peer is a member of the ring: it listens, reserves relays when it can't be
	// reached, and punches holes.
	Peer Profile = iota
	// Bootstrap is publicly known by its address: relay, hole-punch coordinator and reachability
	// tester.
	Bootstrap
	// Client passes through: it listens on nothing unless told to, and dials, over relays too.
	Client
)

// Config says what host to build. The zero value of every field but Key, DefaultPort and Profile is
// a good default.
type Config struct {
	// Profile says what the host is for. Default Peer.
	Profile Profile
	// Key is the host's identity. Needed, except for a Client, which makes a fresh one.
	Key crypto.PrivKey
	// Listen lists the addresses to listen on: /ip4 or /ip6 with /tcp/PORT, /tcp/PORT/ws
	// or /udp/PORT/quic-v1. Port 0 is a free port, the same number for TCP and QUIC.
	// Default: TCP and QUIC on DefaultPort on all interfaces; a Client listens on nothing.
	Listen []ma.Multiaddr
	// DefaultPort is used when Listen is empty. When it is taken, a Peer listens on a
	// free port; a Bootstrap, whose address others have written down, fails.
	DefaultPort int
	// PortFile is where a free port that was chosen, for port 0 or because DefaultPort was taken,
	// is remembered. The next start tries it first. Default: it isn't remembered.
	PortFile string
	// PortFileReadOnly leaves PortFile as it is.
	PortFileReadOnly bool
	// Announce lists further addresses under which others reach this host.
	Announce []ma.Multiaddr
	// Relays are the bootstrap peers, at which a Peer reserves relay slots first.
	Relays []peer.AddrInfo
	// Given are the peers whose addresses the user gave: they are dialed there, whatever network
	// that is. Default: Relays.
	Given []peer.AddrInfo
	// RelayCandidates returns further peers that may be relays: members that others have reached.
	// It is called from the host's goroutines. Default: none.
	RelayCandidates func() []peer.AddrInfo
	// Relay bounds the relay service of a Bootstrap, and of a Peer that others have reached.
	// Default: relays.DefaultLimits.
	Relay relays.Limits
	// RelayACL says who may use that relay service. Default: everyone.
	RelayACL relay.ACLFilter
	// Connections is how many connections the host may have open. Default limits.PeerConnections or
	// limits.BootstrapConnections. From a quarter of it on, or nearly all of it at a Bootstrap,
	// those of the least use are closed.
	Connections int
	// ConnectionsPerAddress is how many of them may be with hosts behind one IPv4 address or IPv6
	// /56; loopback is free. Default limits.PeerConnectionsPerAddress or
	// limits.BootstrapConnectionsPerAddress.
	ConnectionsPerAddress int
	// Neighbor reports whether a peer is a neighbor in the ring. A quarter of the connections and
	// streams is reserved for neighbors. It is called from many goroutines, as soon as the host
	// runs. Default: nobody is.
	Neighbor func(peer.ID) bool
	// Access, if not nil, makes the host private: whoever isn't admitted can open nothing but what
	// it names, and is sent away after ProbationTime. Default: the host is open to everybody.
	Access limits.Access
	// Server is for a rented host: no address of a local network is dialed or announced, and no
	// router is asked to forward a port. Rented hosts stand in networks with strangers, whose
	// owners take such dials for an attack.
	Server bool
	// Version is what others see as p2pchord/VERSION. Default: from the build, or "dev".
	Version string
	// Registerer receives libp2p's metrics. Default: none are kept.
	Registerer prometheus.Registerer
	// Watch, if not nil, keeps what can only be seen from the start on: traffic, hole punching,
	// port mapping.
	Watch *Watch

	resolver network.MultiaddrDNSResolver // of names, nil for the system's; tests have others
}

func (c Config) validate() error {
	if c.Key == nil && c.Profile != Client {
		return fault.New(fault.Failed, "can't start without an identity: give a private key")
	}
	if c.DefaultPort < 0 || c.DefaultPort > 65535 {
		return fault.New(fault.Usage, "port %d is not between 0 and 65535: give another", c.DefaultPort)
	}
	if c.Connections < 0 || c.ConnectionsPerAddress < 0 {
		return fault.New(fault.Usage, "%d connections, %d behind one address: they are 1 or more", c.Connections, c.ConnectionsPerAddress)
	}
	for _, a := range c.Listen {
		if err := listen.Check(a); err != nil {
			return err
		}
	}
	for _, a := range c.Announce {
		if err := listen.CheckAnnounce(a); err != nil {
			return err
		}
	}
	return nil
}

// listenRequest returns where the host is asked to listen.
func (c Config) listenRequest() listen.Request {
	return listen.Request{
		Addrs: c.Listen, DefaultPort: c.DefaultPort,
		Fixed: c.Profile == Bootstrap, Optional: c.Profile == Client,
	}
}

// limits returns for what host the resource limits are.
func (c Config) limits() limits.Config {
	return limits.Config{
		Bootstrap: c.Profile == Bootstrap, Connections: c.Connections, PerAddress: c.ConnectionsPerAddress,
		Relay: c.Relay, Neighbor: c.Neighbor, Access: c.Access, Metrics: c.Registerer != nil,
	}
}

// given returns the peers whose addresses the user gave.
func (c Config) given() []peer.AddrInfo {
	if c.Given != nil {
		return c.Given
	}
	return c.Relays
}

func (c Config) userAgent() string {
	v := c.Version
	if v == "" {
		v = "dev"
		if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
			v = info.Main.Version
		}
	}
	return "p2pchord/" + v
}
