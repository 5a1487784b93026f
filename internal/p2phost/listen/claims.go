package listen

import (
	"io"
	"net"
	"net/netip"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// Claims keep two processes with the same remembered TCP port, as two copies of one data folder
// have, from taking it at the same moment: libp2p's TCP listeners share a port silently. A claim is
// the UDP port of the same number.
type Claims []io.Closer

// add claims the port of a TCP address, and reports whether nobody else has claimed it. A UDP port
// is exclusive by itself.
func (c *Claims) add(a ma.Multiaddr) bool {
	ip, ok := peeraddr.IP(a)
	port, has := peeraddr.Port(a)
	if !ok || !has || a[1].Code() != ma.P_TCP {
		return true
	}
	held, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(port)))) //nolint:gosec // checked by load
	if err != nil {
		return false
	}
	*c = append(*c, held)
	return true
}

// Release gives the claims up.
func (c Claims) Release() {
	for _, held := range c {
		_ = held.Close() // nothing was sent
	}
}
