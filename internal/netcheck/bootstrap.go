package netcheck

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/certdate"
	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/p2phost"
)

// tryTimeout bounds one test connection.
const tryTimeout = 5 * time.Second

// checkBootstrap examines one bootstrap peer; with try it makes test connections to it.
func (c *checker) checkBootstrap(ctx context.Context, b BootstrapPeer, try bool) BootstrapCheck {
	out := BootstrapCheck{
		Addr: b.Addr.String(), PeerID: b.Info.ID.String(), Connected: b.Err == nil, TCP: DialNotOffered, QUIC: DialNotOffered,
	}
	if b.Err != nil {
		out.Error = b.Err.Error()
	}
	var wg sync.WaitGroup
	if try {
		goCheck(&wg, func() { out.TCP = c.tryTransport(ctx, b, connpath.TCP) })
		goCheck(&wg, func() { out.QUIC = c.tryTransport(ctx, b, connpath.QUIC) })
	}
	if out.Connected {
		out.MS = c.timeTo(ctx, b.Info.ID)
		out.Relay, out.Tester = offersRelay(c.Host, b.Info.ID), slices.Contains(testers(c.Host, nil), b.Info.ID)
	}
	wg.Wait()
	return out
}

// tryTransport makes a test connection to a bootstrap peer by one transport, at the address given
// for it or at another one of the same machine that the peer announces.
func (c *checker) tryTransport(ctx context.Context, b BootstrapPeer, transport string) string {
	for _, a := range slices.Concat(b.Info.Addrs, c.Host.Peerstore().Addrs(b.Info.ID)) {
		if connpath.Transport(a) == transport && sameHost(a, b.Info.Addrs[0]) && scopeOf(a) != ScopeRelay {
			return dialTest(ctx, b.Info.ID, a, transport)
		}
	}
	return DialNotOffered
}

func sameHost(a, b ma.Multiaddr) bool {
	return len(a) > 0 && len(b) > 0 && a[0].Equal(&b[0])
}

// dialOnce connects to a peer at one address only, from a host made for it.
func dialOnce(ctx context.Context, id peer.ID, addr ma.Multiaddr) string {
	to := peer.AddrInfo{ID: id, Addrs: []ma.Multiaddr{addr}}
	h, err := p2phost.New(p2phost.Config{Profile: p2phost.Client, Given: []peer.AddrInfo{to}})
	if err != nil {
		return DialNoAnswer
	}
	defer func() { _ = h.Close() }()
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	switch err := h.Connect(ctx, to); {
	case err == nil:
		return DialOK
	case certdate.Invalid(err):
		return DialWrongDate
	}
	return DialNoAnswer
}

// dialTest makes a test connection. If QUIC gets no answer, it finds out whether UDP does.
func dialTest(ctx context.Context, id peer.ID, to ma.Multiaddr, transport string) string {
	began := time.Now()
	outcome := dialOnce(ctx, id, to)
	silent := outcome == DialNoAnswer && time.Since(began) > tryTimeout*3/4 // nobody refused it
	if silent && transport == connpath.QUIC && udpAnswers(ctx, to) {
		return DialTooLarge
	}
	return outcome
}
