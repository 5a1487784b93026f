package listen

import (
	"errors"
	"net"
	"slices"
	"strconv"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// portTries is how many port numbers are tried until one is free for TCP and UDP on every address.
const portTries = 32

// Request says where a host is asked to listen.
type Request struct {
	// Addrs are the addresses that the user gave. Without any, the host listens on DefaultPort.
	Addrs []ma.Multiaddr
	// DefaultPort is used for TCP and QUIC on all interfaces when there are no Addrs.
	DefaultPort int
	// Fixed says that DefaultPort must be free. Otherwise a free port takes its place.
	Fixed bool
	// Optional says that the host listens on nothing when there are no Addrs.
	Optional bool
}

// Plan is where a host is to listen.
type Plan struct {
	Asked []ma.Multiaddr // with port 0 where a free port may be chosen
	Addrs []ma.Multiaddr // all free a moment ago
	// a free port was chosen here, so that it is worth to try again without it
	Chosen bool
	Held   Claims // to be released when the host listens
}

// Resolve plans where to listen. A port of an earlier run is tried before any other.
func Resolve(req Request, earlier Ports) (plan Plan, err error) {
	switch {
	case len(req.Addrs) > 0:
		return resolveAsked(req.Addrs, earlier)
	case req.Optional:
		return Plan{}, nil
	}
	free := Plan{Asked: defaultListen(0), Chosen: true}
	if req.DefaultPort != 0 {
		if !req.Fixed {
			if free.Addrs, err = rememberedPort(free.Asked, earlier); free.Addrs != nil || err != nil {
				return free, err
			}
		}
		addrs := defaultListen(req.DefaultPort)
		err = probeAll(addrs)
		var taken *TakenError
		if err == nil || req.Fixed || !errors.As(err, &taken) {
			return Plan{Addrs: addrs}, err
		}
	}
	free.Addrs, err = freePort(free.Asked, earlier)
	return free, err
}

// resolveAsked plans for addresses that the user gave.
func resolveAsked(asked []ma.Multiaddr, earlier Ports) (Plan, error) {
	plan := Plan{Asked: asked, Chosen: true}
	if wantsSharedPort(asked) {
		var err error
		plan.Addrs, err = freePort(asked, earlier)
		return plan, err
	}
	plan.Addrs, plan.Held = earlier.apply(asked)
	plan.Chosen = !slices.EqualFunc(plan.Addrs, asked, ma.Multiaddr.Equal)
	for i, a := range asked { // the others are free, or any port will do
		if a.Equal(plan.Addrs[i]) {
			if err := probe(a); err != nil {
				plan.Held.Release()
				return plan, err
			}
		}
	}
	return plan, nil
}

// rememberedPort returns addrs with the port of an earlier run in the place of port 0. It returns
// nil when there is none, or it is taken.
func rememberedPort(addrs []ma.Multiaddr, earlier Ports) ([]ma.Multiaddr, error) {
	port, ok := earlier.one(addrs)
	if !ok {
		return nil, nil
	}
	with := make([]ma.Multiaddr, len(addrs))
	for i, a := range addrs {
		with[i] = peeraddr.WithPort(a, port)
	}
	err := probeAll(with)
	var taken *TakenError
	if errors.As(err, &taken) {
		log.Infow("the port of earlier runs is in use; another is chosen", "port", port)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return with, nil
}

// defaultListen returns TCP and QUIC on one port number, on all interfaces, over IPv4 and, if this
// machine has it, IPv6.
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

// wantsSharedPort reports whether port 0 is asked for with both TCP and UDP. They then get one
// number, which hole punching and the owner of a firewall want.
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

// freePort returns addrs with every port 0 replaced by one number that is free for all of them. It
// tries that of an earlier run first.
func freePort(addrs []ma.Multiaddr, earlier Ports) ([]ma.Multiaddr, error) {
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
		var taken *TakenError
		if !errors.As(err, &taken) {
			return nil, err
		}
	}
	return nil, err
}
