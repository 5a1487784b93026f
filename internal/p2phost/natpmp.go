package p2phost

import (
	"errors"
	"net"
	"net/netip"
	"time"

	natpmp "github.com/jackpal/go-nat-pmp"
	"github.com/libp2p/go-netroute"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
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

// mappable returns the port of a listen address that others outside may be let to.
func mappable(listen ma.Multiaddr) (port, bool) {
	ip, ok := peeraddr.IP(listen)
	number, has := peeraddr.Port(listen)
	if !ok || !has || !ip.Is4() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() {
		return port{}, false
	}
	return port{listen[1].Protocol().Name, number}, true
}

// openPorts asks for each of the ports, by the number outside that is wanted for it, and returns those that the router opened.
func openPorts(router *natpmp.Client, wanted []port, number func(port) int) (map[port]netip.AddrPort, error) {
	outside, err := router.GetExternalAddress()
	if err != nil {
		return nil, err
	}
	opened := make(map[port]netip.AddrPort)
	for _, p := range wanted {
		got, err := router.AddPortMapping(p.protocol, p.number, number(p), int(pmpLasts/time.Second))
		if err != nil {
			log.Debugw("a port not opened by NAT-PMP", "protocol", p.protocol, "port", p.number, "err", err)
			continue
		}
		opened[p] = netip.AddrPortFrom(netip.AddrFrom4(outside.ExternalIPAddress), got.MappedExternalPort)
	}
	return opened, nil
}

// closePorts has the router close what it opened. When it doesn't answer, it does so by itself after pmpLasts.
func closePorts(router *natpmp.Client, opened map[port]netip.AddrPort) {
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
