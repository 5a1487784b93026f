package p2phost

import (
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"syscall"

	"github.com/libp2p/go-libp2p/core/host"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// Free port numbers tried until one is free for TCP and UDP on every address.
const portTries = 32

// checkListen refuses, with fault.Usage, what no host here could listen on.
func checkListen(a ma.Multiaddr) error {
	const want = "give /ip4/ADDRESS/tcp/PORT or /ip4/ADDRESS/udp/PORT/quic-v1 (or ip6)"
	if len(a) < 2 || a[0].Code() != ma.P_IP4 && a[0].Code() != ma.P_IP6 {
		return fault.New(fault.Usage, "can't listen on %q: it doesn't begin with an IP address: %s", a, want)
	}
	var rest []int
	for _, c := range a[1:] {
		rest = append(rest, c.Code())
	}
	switch {
	case len(rest) == 1 && rest[0] == ma.P_TCP,
		len(rest) == 2 && rest[0] == ma.P_TCP && rest[1] == ma.P_WS,
		len(rest) == 2 && rest[0] == ma.P_UDP && rest[1] == ma.P_QUIC_V1:
		return nil
	}
	return fault.New(fault.Usage, "can't listen on %q: no transport for it: %s", a, want)
}

// checkAnnounce refuses, with fault.Usage, what others couldn't dial.
func checkAnnounce(a ma.Multiaddr) error {
	if len(a) < 2 {
		return fault.New(fault.Usage, "can't announce %q: give the whole address, for instance /ip4/ADDRESS/tcp/PORT", a)
	}
	if _, err := a.ValueForProtocol(ma.P_P2P); err == nil {
		return fault.New(fault.Usage, "can't announce %q: leave out /p2p/ID, it is added", a)
	}
	if port, ok := peeraddr.Port(a); !ok || port == 0 || manet.IsIPUnspecified(a) {
		return fault.New(fault.Usage, "can't announce %q: others need an address and a port to dial", a)
	}
	return nil
}

// listenPlan is where a host is to listen.
type listenPlan struct {
	asked  []ma.Multiaddr // with port 0 where a free port may be chosen
	addrs  []ma.Multiaddr // all free a moment ago
	chosen bool           // a free port was chosen here, so that a failure to get it is worth another try
	held   claims
}

// resolveListen plans where to listen: at what is asked for, a port that was chosen in an earlier run before any other.
func resolveListen(cfg Config, earlier chosenPorts) (plan listenPlan, err error) {
	switch {
	case len(cfg.Listen) > 0:
		return resolveAsked(cfg.Listen, earlier)
	case cfg.Profile == Client:
		return listenPlan{}, nil
	}
	free := listenPlan{asked: defaultListen(0), chosen: true}
	if cfg.DefaultPort != 0 {
		if cfg.Profile != Bootstrap {
			if free.addrs, err = rememberedPort(free.asked, earlier); free.addrs != nil || err != nil {
				return free, err
			}
		}
		addrs := defaultListen(cfg.DefaultPort)
		err = probeAll(addrs)
		var taken *takenError
		if err == nil || cfg.Profile == Bootstrap || !errors.As(err, &taken) {
			return listenPlan{addrs: addrs}, err
		}
	}
	free.addrs, err = freePort(free.asked, earlier)
	return free, err
}

// resolveAsked plans for addresses that the user gave.
func resolveAsked(asked []ma.Multiaddr, earlier chosenPorts) (listenPlan, error) {
	plan := listenPlan{asked: asked, chosen: true}
	if wantsSharedPort(asked) {
		var err error
		plan.addrs, err = freePort(asked, earlier)
		return plan, err
	}
	plan.addrs, plan.held = earlier.apply(asked)
	plan.chosen = !slices.EqualFunc(plan.addrs, asked, ma.Multiaddr.Equal)
	for i, a := range asked { // the others are free, or any port will do
		if a.Equal(plan.addrs[i]) {
			if err := probe(a); err != nil {
				plan.held.release()
				return plan, err
			}
		}
	}
	return plan, nil
}

// rememberedPort returns addrs with the port of an earlier run in the place of port 0, or nil when there is none, or it is taken.
func rememberedPort(addrs []ma.Multiaddr, earlier chosenPorts) ([]ma.Multiaddr, error) {
	port, ok := earlier.one(addrs)
	if !ok {
		return nil, nil
	}
	with := make([]ma.Multiaddr, len(addrs))
	for i, a := range addrs {
		with[i] = peeraddr.WithPort(a, port)
	}
	err := probeAll(with)
	var taken *takenError
	if errors.As(err, &taken) {
		log.Infow("the port of earlier runs is in use; another is chosen", "port", port)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return with, nil
}

// defaultListen is TCP and QUIC on one port number, on all interfaces, over IPv4 and, if this machine has it, IPv6.
func defaultListen(port int) []ma.Multiaddr {
	p := strconv.Itoa(port)
	addrs := []ma.Multiaddr{
		ma.StringCast("/ip4/0.0.0.0/tcp/" + p),
		ma.StringCast("/ip4/0.0.0.0/udp/" + p + "/quic-v1"),
	}
	if probe(ma.StringCast("/ip6/::/tcp/0")) == nil {
		addrs = append(addrs, ma.StringCast("/ip6/::/tcp/"+p), ma.StringCast("/ip6/::/udp/"+p+"/quic-v1"))
	}
	return addrs
}

// wantsSharedPort reports whether port 0 is asked for with both TCP and UDP: hole punching, and a
// firewall's owner, want one number for both.
func wantsSharedPort(addrs []ma.Multiaddr) bool {
	var tcp, udp bool
	for _, a := range addrs {
		if port, _ := peeraddr.Port(a); port == 0 {
			tcp = tcp || a[1].Code() == ma.P_TCP
			udp = udp || a[1].Code() == ma.P_UDP
		}
	}
	return tcp && udp
}

// freePort returns addrs with every port 0 replaced by one number that is free for all of them: that of an earlier run first.
func freePort(addrs []ma.Multiaddr, earlier chosenPorts) ([]ma.Multiaddr, error) {
	if with, err := rememberedPort(addrs, earlier); with != nil || err != nil {
		return with, err
	}
	var err error
	for range portTries {
		var l net.Listener
		l, err = net.Listen("tcp", ":0") //nolint:gosec,noctx // open for a moment, to learn a free number, and never accepted from
		if err != nil {
			return nil, fault.New(fault.Failed, "can't find a free port: %w", err)
		}
		port := l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // a TCP listener's address
		if err = l.Close(); err != nil {
			return nil, fault.New(fault.Failed, "can't find a free port: %w", err)
		}
		with := make([]ma.Multiaddr, len(addrs))
		for i, a := range addrs {
			with[i] = peeraddr.WithPort(a, port)
		}
		if err = probeAll(with); err == nil {
			return with, nil
		}
		var taken *takenError
		if !errors.As(err, &taken) {
			return nil, err
		}
	}
	return nil, err
}

func probeAll(addrs []ma.Multiaddr) error {
	for _, a := range addrs {
		if err := probe(a); err != nil {
			return err
		}
	}
	return nil
}

// probe tries to have a's port for a moment. libp2p listens with SO_REUSEPORT, which lets two
// processes on one TCP port start silently and share its connections at random; a
// listener without that option finds the port in use.
func probe(a ma.Multiaddr) error {
	l, err := open(a[:2])
	if err == nil {
		err = l.Close()
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return &takenError{a}
	case errors.Is(err, syscall.EACCES):
		return fault.New(fault.Failed, "can't listen on %s: permission denied: choose a port from 1024 up with --listen", a)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fault.New(fault.Usage, "can't listen on %s: it is no address of this machine: choose one that is, or 0.0.0.0", a)
	}
	return fault.New(fault.Failed, "can't listen on %s: %w", a, err)
}

func open(a ma.Multiaddr) (io.Closer, error) {
	if a[1].Code() == ma.P_UDP {
		return manet.ListenPacket(a)
	}
	return manet.Listen(a)
}

// notListening returns the first of want on which h doesn't listen, or nil.
func notListening(h host.Host, want []ma.Multiaddr) ma.Multiaddr {
	have := h.Network().ListenAddresses()
	for _, w := range want {
		if !containsAddr(have, w) {
			return w
		}
	}
	return nil
}

func containsAddr(have []ma.Multiaddr, want ma.Multiaddr) bool {
	port, _ := peeraddr.Port(want)
	for _, a := range have {
		if len(a) != len(want) {
			continue
		}
		if port == 0 {
			got, _ := peeraddr.Port(a)
			if peeraddr.WithPort(want, got).Equal(a) {
				return true
			}
		} else if a.Equal(want) {
			return true
		}
	}
	return false
}
