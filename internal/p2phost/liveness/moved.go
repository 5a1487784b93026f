package liveness

import (
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/quic-go/quic-go"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// movedPortAfter is how old a connection has to be to be closed because the peer's port has
// changed. A router that forgets often gives many ports, and each costs a connection.
const movedPortAfter = time.Minute

// moved reports whether the peer at the other end of c has moved: its packets come from another
// address than that at which c began. QUIC follows it silently, and everything else goes by the old
// address: how this host tells the peer that it looks from outside, and with it the holes that the
// peer tries to punch. Only a new connection helps.
func moved(c network.Conn, now time.Time) bool {
	var q *quic.Conn
	if peeraddr.IsRelay(c.RemoteMultiaddr()) || !c.As(&q) || q == nil {
		return false
	}
	began, ok := peeraddr.IP(c.RemoteMultiaddr())
	port, has := peeraddr.Port(c.RemoteMultiaddr())
	is, err := netip.ParseAddrPort(q.RemoteAddr().String())
	if !ok || !has || err != nil {
		return false
	}
	return is.Addr().Unmap().WithZone("") != began.WithZone("") || int(is.Port()) != port && now.Sub(c.Stat().Opened) > movedPortAfter
}
