package netcheck

import (
	"context"
	"crypto/rand"
	"net"
	"strconv"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	madns "github.com/multiformats/go-multiaddr-dns"

	"github.com/p2pchord/p2pchord/internal/connpath"
)

const (
	// smallProbe and leastQUIC are the sizes in bytes of the UDP packets that probe a path: one
	// that passes nearly everywhere, and the smallest with which QUIC may begin. go-libp2p begins
	// with 1,280.
	smallProbe = 100
	leastQUIC  = 1200
	// probeTries is how often each packet is sent, and probeWait how long its answer may take.
	probeTries = 3
	probeWait  = time.Second
)

// probeUDP reports whether small and large UDP packets reach a QUIC port and are answered. A QUIC
// host answers a packet that belongs to no connection with a stateless reset (RFC 9000, section
// 10.3), and one of an unknown version with the versions that it speaks (section 6.1), however
// little else gets through.
func probeUDP(ctx context.Context, to ma.Multiaddr) (small, large bool) {
	udp, ok := udpAddr(ctx, to)
	if !ok {
		return false, false
	}
	short := make([]byte, smallProbe)
	_, _ = rand.Read(short)       // never fails (crypto/rand)
	short[0] = short[0]&0x3f | 64 // a short header
	long := make([]byte, leastQUIC)
	long[0] = 0xc0 // a long header
	// a reserved version, the length of the destination's ID
	copy(long[1:], []byte{0x1a, 0x2a, 0x3a, 0x4a, 8})
	_, _ = rand.Read(long[6:14])  // the ID
	long[14] = 8                  // the length of the source's ID
	_, _ = rand.Read(long[15:23]) // the ID
	return answered(ctx, udp, short), answered(ctx, udp, long)
}

// udpAnswers reports whether a QUIC port answers to packets of any size.
func udpAnswers(ctx context.Context, to ma.Multiaddr) bool {
	small, large := probeUDP(ctx, to)
	return small || large
}

// udpAddr returns the UDP address of a QUIC multiaddr. It resolves a name.
func udpAddr(ctx context.Context, to ma.Multiaddr) (*net.UDPAddr, bool) {
	if connpath.Transport(to) != connpath.QUIC {
		return nil, false
	}
	if found, err := madns.DefaultResolver.Resolve(ctx, to); err == nil && len(found) > 0 {
		to = found[0]
	}
	ep, ok := endpointOf(to)
	return net.UDPAddrFromAddrPort(ep), ok
}

// answered sends a packet, up to probeTries times, and reports whether anything comes back.
func answered(ctx context.Context, to *net.UDPAddr, packet []byte) bool {
	var d net.Dialer
	c, err := d.DialContext(ctx, "udp", net.JoinHostPort(to.IP.String(), strconv.Itoa(to.Port)))
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }() // nothing is left to send
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	in := make([]byte, 2048)
	for range probeTries {
		if ctx.Err() != nil {
			return false
		}
		if _, err := c.Write(packet); err != nil {
			continue // too large for the path, as the system has learned
		}
		if err := c.SetReadDeadline(time.Now().Add(probeWait)); err != nil {
			return false
		}
		if n, err := c.Read(in); err == nil && n > 0 {
			return true
		}
	}
	return false
}
