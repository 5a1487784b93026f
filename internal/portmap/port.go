package portmap

import (
	"net/netip"
	"strings"

	golog "github.com/ipfs/go-log/v2"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

var log = golog.Logger("p2pchord/host")

// Port is one on which a host listens.
type Port struct {
	Protocol string // "tcp" or "udp"
	Number   int
}

// upnp returns the protocol's name in UPnP.
func (p Port) upnp() string { return strings.ToUpper(p.Protocol) }

// mappable returns the port of a listen address that a router can forward; ok is false for others.
func mappable(listen ma.Multiaddr) (p Port, ok bool) {
	ip, ok := peeraddr.IP(listen)
	number, has := peeraddr.Port(listen)
	if !ok || !has || !ip.Is4() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() {
		return Port{}, false
	}
	return Port{listen[1].Protocol().Name, number}, true
}

// Memory remembers the external ports between runs, so that a host keeps its address.
type Memory interface {
	// External returns the number that the router gave p in an earlier run; 0 when it gave the
	// same number, or none.
	External(p Port) int
	// SetExternal remembers the external address of each of the ports that are open.
	SetExternal(opened map[Port]netip.AddrPort)
}

// noMemory remembers nothing.
type noMemory struct{}

func (noMemory) External(Port) int { return 0 }

func (noMemory) SetExternal(map[Port]netip.AddrPort) {}
