package portmap

import (
	"errors"
	"net"
	"net/netip"
	"time"

	natpmp "github.com/jackpal/go-nat-pmp"
	"github.com/libp2p/go-netroute"
)

// natpmpTimeout bounds the wait for a router that may not speak NAT-PMP.
const natpmpTimeout = 2 * time.Second

// openByNATPMP asks for each of the ports, by the external number that is wanted for it, and
// returns those that the router opened.
func openByNATPMP(router *natpmp.Client, wanted []Port, number func(Port) int) (map[Port]netip.AddrPort, error) {
	external, err := router.GetExternalAddress()
	if err != nil {
		return nil, err
	}
	opened := make(map[Port]netip.AddrPort)
	for _, p := range wanted {
		got, err := router.AddPortMapping(p.Protocol, p.Number, number(p), int(lease/time.Second))
		if err != nil {
			log.Debugw("a port not opened by NAT-PMP", "protocol", p.Protocol, "port", p.Number, "err", err)
			continue
		}
		opened[p] = netip.AddrPortFrom(netip.AddrFrom4(external.ExternalIPAddress), got.MappedExternalPort)
	}
	return opened, nil
}

// closeByNATPMP asks the router to close what it opened. A router that doesn't answer closes them
// by itself when the lease ends.
func closeByNATPMP(router *natpmp.Client, opened map[Port]netip.AddrPort) {
	for p := range opened {
		if _, err := router.AddPortMapping(p.Protocol, p.Number, 0, 0); err != nil {
			return
		}
	}
}

// defaultGateway returns the router on the way to the internet. It sends no packet.
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
