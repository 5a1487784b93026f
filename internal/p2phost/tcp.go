package p2phost

import (
	"context"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/pnet"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/core/transport"
	tptu "github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/tcpreuse"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/certdate"
)

// tcpTransport is libp2p's TCP. When the certificate of a peer is not valid by this machine's
// clock, as that of an earlier build or another program may be, it dials again with Noise, which
// knows no dates.
type tcpTransport struct {
	*tcp.TcpTransport
	noise *tcp.TcpTransport
}

func newTCP(
	up transport.Upgrader, rm network.ResourceManager, shared *tcpreuse.ConnMgr, key crypto.PrivKey,
	muxers []tptu.StreamMuxer, psk pnet.PSK, gater connmgr.ConnectionGater,
) (*tcpTransport, error) {
	t, err := tcp.NewTCPTransport(up, rm, shared)
	if err != nil {
		return nil, err
	}
	n, err := noise.New(noise.ID, key, muxers)
	if err != nil {
		return nil, err
	}
	up, err = tptu.New([]sec.SecureTransport{n}, muxers, psk, rm, gater)
	if err != nil {
		return nil, err
	}
	dateless, err := tcp.NewTCPTransport(up, rm, nil)
	if err != nil {
		return nil, err
	}
	return &tcpTransport{t, dateless}, nil
}

// Dial dials a peer.
func (t *tcpTransport) Dial(ctx context.Context, addr ma.Multiaddr, p peer.ID) (transport.CapableConn, error) {
	return t.DialWithUpdates(ctx, addr, p, nil)
}

// DialWithUpdates dials a peer, and reports how far it is.
func (t *tcpTransport) DialWithUpdates(ctx context.Context, addr ma.Multiaddr, p peer.ID, updates chan<- transport.DialUpdate) (transport.CapableConn, error) {
	c, err := t.TcpTransport.DialWithUpdates(ctx, addr, p, updates)
	if punching, _, _ := network.GetSimultaneousConnect(ctx); !certdate.Invalid(err) || punching {
		return c, err
	}
	c, again := t.noise.Dial(ctx, addr, p)
	if again != nil {
		return nil, err // the date is why
	}
	return c, nil
}
