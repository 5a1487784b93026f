package p2phost

import (
	"errors"
	"sync"
	"syscall"
	"time"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/gologshim"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	tls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/p2phost/limits"
	"github.com/p2pchord/p2pchord/internal/p2phost/listen"
	"github.com/p2pchord/p2pchord/internal/p2phost/relays"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/internal/tlsbatch"
)

// Tries of New when another program takes a free port between its choice and its use.
const startTries = 5

// starting keeps the hosts of one process from choosing the same free port.
var starting sync.Mutex

// bridgeLogs sends libp2p's log lines, which go through slog, to go-log, so that its levels rule
// them.
var bridgeLogs = sync.OnceFunc(func() { gologshim.SetDefaultHandler(golog.SlogHandler()) })

// New builds and starts a host. It listens on every address asked for, or fails: with
// fault.Usage for an address that no host could listen on, with fault.Failed for one
// that can't be had here and now, a port in use for instance.
func New(cfg Config) (host.Host, error) {
	bridgeLogs()
	observeEarly()
	if cfg.Watch == nil && cfg.Profile != Client {
		cfg.Watch = NewWatch()
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	starting.Lock()
	defer starting.Unlock()
	ports := listen.OpenPortFile(cfg.PortFile, cfg.PortFileReadOnly)
	earlier := ports.Ports()
	for try := 1; ; try++ {
		plan, err := listen.Resolve(cfg.listenRequest(), earlier)
		if err != nil {
			return nil, err
		}
		h, err := start(cfg, plan.Addrs, ports)
		plan.Held.Release()
		var taken *listen.TakenError
		if plan.Chosen && errors.As(err, &taken) && try < startTries {
			earlier = nil // somebody was faster
			continue
		}
		if err == nil && len(plan.Asked) > 0 {
			ports.Keep(plan.Asked, h.Network().ListenAddresses())
		}
		return h, err
	}
}

// start builds the host and checks that it listens on all of addrs. libp2p itself is content with
// one.
func start(cfg Config, addrs []ma.Multiaddr, ports *listen.PortFile) (host.Host, error) {
	rm, err := limits.NewResourceManager(cfg.limits())
	if err != nil {
		return nil, fault.New(fault.Failed, "can't set resource limits: %w", err)
	}
	cm, err := limits.NewConnManager(cfg.limits())
	if err != nil {
		return nil, errors.Join(fault.New(fault.Failed, "can't start the connection manager: %w", err), rm.Close())
	}
	ps, err := newPeerstore()
	if err != nil {
		return nil, errors.Join(fault.New(fault.Failed, "can't make the address book: %w", err), rm.Close(), cm.Close())
	}
	m := newManaged(cfg, addrs)
	opts := []libp2p.Option{
		libp2p.Peerstore(ps),
		libp2p.ResourceManager(rm),
		libp2p.ConnectionManager(cm),
		libp2p.UserAgent(cfg.userAgent()),
		libp2p.MultiaddrResolver(m.names),
		libp2p.SwarmOpts(swarm.WithDialRanker(m.rankDials)),
		libp2p.Security(tls.ID, tlsbatch.New),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Transport(newTCP),
		libp2p.Transport(newQUIC),
		libp2p.Transport(websocket.New),
		libp2p.EnableRelay(),
	}
	opts = append(opts, listenOptions(cfg, addrs)...)
	opts = append(opts, natOptions(cfg, addrs, ports)...)
	opts = append(opts, libp2p.ConnectionGater(m.rules))
	if len(addrs) > 0 {
		opts = append(opts, libp2p.AddrsFactory(m.advertised.addrs))
	}
	opts = append(opts, cfg.Watch.options()...)
	if cfg.Key != nil {
		opts = append(opts, libp2p.Identity(cfg.Key))
	}
	if cfg.Registerer != nil {
		opts = append(opts, libp2p.PrometheusRegisterer(cfg.Registerer))
	} else {
		opts = append(opts, libp2p.DisableMetrics())
	}
	h, err := libp2p.New(opts...)
	if err != nil {
		return nil, errors.Join(startError(addrs, err), ps.Close())
	}
	cfg.Watch.attach(h)
	if missing := listen.Missing(h.Network().ListenAddresses(), addrs); missing != nil {
		return nil, errors.Join(&listen.TakenError{Addr: missing}, h.Close())
	}
	whole, err := m.attach(h)
	if err != nil {
		return nil, errors.Join(fault.New(fault.Failed, "can't start the network host: %w", fault.OneLine(err)), h.Close())
	}
	return whole, nil
}

func listenOptions(cfg Config, addrs []ma.Multiaddr) []libp2p.Option {
	if len(addrs) == 0 {
		return []libp2p.Option{libp2p.NoListenAddrs, libp2p.EnableRelay()}
	}
	opts := []libp2p.Option{libp2p.ListenAddrs(addrs...)}
	for _, a := range addrs {
		if _, err := a.ValueForProtocol(ma.P_WS); err == nil {
			opts = append(opts, libp2p.ShareTCPListener())
			break
		}
	}
	return opts
}

// natOptions returns the options that let a host be reached, or reach others, across NATs. A host
// that listens on loopback only meets no NAT and does without reachability tests. Hole punching and
// being a relay are the managed host's.
func natOptions(cfg Config, addrs []ma.Multiaddr, ports *listen.PortFile) []libp2p.Option {
	if cfg.Profile == Bootstrap {
		opts := []libp2p.Option{libp2p.ForceReachabilityPublic()}
		if peeraddr.LoopbackOnly(addrs) {
			return opts
		}
		if !cfg.Server {
			opts = append(opts, cfg.Watch.portMap(ports))
		}
		return append(opts,
			libp2p.EnableNATService(),
			libp2p.AutoNATServiceRateLimit(600, 6, time.Minute),
			libp2p.EnableAutoNATv2(),
			// Without these the tester would refuse to dial QUIC or IPv6 until it has seen 100 such
			// dials.
			libp2p.UDPBlackHoleSuccessCounter(nil),
			libp2p.IPv6BlackHoleSuccessCounter(nil),
		)
	}
	if peeraddr.LoopbackOnly(addrs) {
		return nil
	}
	// Relays are reserved at once; AutoNATv2 confirms addresses, and the relays' drop out then.
	opts := []libp2p.Option{libp2p.ForceReachabilityPrivate()}
	if cfg.Profile == Client {
		return opts
	}
	opts = append(opts,
		libp2p.EnableAutoNATv2(),
		libp2p.UDPBlackHoleSuccessCounter(nil), // members test each other's addresses
		libp2p.IPv6BlackHoleSuccessCounter(nil),
	)
	if !cfg.Server {
		opts = append(opts, cfg.Watch.portMap(ports))
	}
	if len(cfg.Relays) > 0 || cfg.RelayCandidates != nil {
		opts = append(opts, relays.Reserve(cfg.Relays, cfg.RelayCandidates))
	}
	return opts
}

// startError returns the error of a host that didn't start, on one line.
func startError(addrs []ma.Multiaddr, err error) error {
	if len(addrs) > 0 && errors.Is(err, syscall.EADDRINUSE) {
		return &listen.TakenError{Addr: addrs[0]}
	}
	return fault.New(fault.Failed, "can't start the network host: %w", fault.OneLine(err))
}
