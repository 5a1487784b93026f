package node

import (
	"context"
	"crypto/rand"
	"net"
	"strconv"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	madns "github.com/multiformats/go-multiaddr-dns"

	"github.com/p2pchord/p2pchord/internal/connpath"
)

const (
	// smallProbe and leastQUIC are the sizes in bytes of the UDP packets with which a path is tried: one that passes nearly
	// everywhere, and the smallest that QUIC may begin with. go-libp2p begins with 1,280.
	smallProbe = 100
	leastQUIC  = 1200
	// probeTries is how often each is sent, and probeWait how long an answer to it may take.
	probeTries = 3
	probeWait  = time.Second
)

// probeUDP reports whether small and large UDP packets get to a QUIC port and an answer back. To a packet that belongs to no connection a
// QUIC host answers with a stateless reset (RFC 9000, section 10.3), and to one of a version that nobody speaks with its own versions
// (section 6.1), however little else gets through.
func probeUDP(ctx context.Context, to ma.Multiaddr) (small, large bool) {
	udp, ok := udpAddr(ctx, to)
	if !ok {
		return false, false
	}
	short := make([]byte, smallProbe)
	_, _ = rand.Read(short)       // never fails (crypto/rand)
	short[0] = short[0]&0x3f | 64 // a short header
	long := make([]byte, leastQUIC)
	long[0] = 0xc0                                    // a long header
	copy(long[1:], []byte{0x1a, 0x2a, 0x3a, 0x4a, 8}) // a version that is reserved for this, the length of the destination's ID
	_, _ = rand.Read(long[6:14])                      // the ID
	long[14] = 8                                      // the length of the source's ID
	_, _ = rand.Read(long[15:23])                     // the ID
	return answered(ctx, udp, short), answered(ctx, udp, long)
}

// tryTransport makes a test connection, and where QUIC gets no answer, looks whether UDP does.
func tryTransport(ctx context.Context, id peer.ID, to ma.Multiaddr, transport string) string {
	began := time.Now()
	outcome := try(ctx, id, to)
	silent := outcome == DialNoAnswer && time.Since(began) > tryTimeout*3/4 // nobody has refused it
	if silent && transport == connpath.QUIC && udpAnswers(ctx, to) {
		return DialTooLarge
	}
	return outcome
}

// udpAnswers reports whether a QUIC port answers to packets of any size.
func udpAnswers(ctx context.Context, to ma.Multiaddr) bool {
	small, large := probeUDP(ctx, to)
	return small || large
}

// udpAddr is the address of a QUIC multiaddr; a name is resolved.
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

// answered sends a packet, again when nothing comes back, and reports whether anything does.
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
			continue // too large for the way, as the system has heard
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

// narrowPath tells of a network in which UDP gets through and QUIC's packets are too large.
func narrowPath(f facts) []Problem {
	for _, b := range f.Bootstrap {
		if b.QUIC != DialTooLarge {
			continue
		}
		why := "The way there carries small UDP packets, and loses those with which QUIC begins (some 1,300 bytes with their headers). A VPN or tunnel on the way has a smaller MTU, 1,280 bytes often, and doesn't say so."
		return noteOf("path_too_narrow",
			"Connections go over TCP only: QUIC's packets are too large for the way.", why,
			"It works as it is. If the tunnel is yours, raise its MTU to 1,310 bytes or more.")
	}
	return nil
}
