package p2phost

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/sec"
	tptu "github.com/libp2p/go-libp2p/p2p/net/upgrader"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"

	"github.com/p2pchord/p2pchord/internal/certdate"
)

// plainALPN stands for a peer that negotiates the multiplexer after the handshake.
const plainALPN = "libp2p"

// tlsTransport secures connections by libp2p's TLS, with a certificate that is valid by any clock. (libp2p's own transport takes
// no template for it.) On the wire the two are the same.
type tlsTransport struct {
	id       protocol.ID
	self     peer.ID
	identity *libp2ptls.Identity
	muxers   []string
}

func newTLS(id protocol.ID, key crypto.PrivKey, muxers []tptu.StreamMuxer) (*tlsTransport, error) {
	self, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, err
	}
	template, err := certdate.Template()
	if err != nil {
		return nil, err
	}
	identity, err := libp2ptls.NewIdentity(key, libp2ptls.WithCertTemplate(template))
	if err != nil {
		return nil, err
	}
	t := &tlsTransport{id: id, self: self, identity: identity}
	for _, m := range muxers {
		t.muxers = append(t.muxers, string(m.ID))
	}
	return t, nil
}

// ID is the protocol's.
func (t *tlsTransport) ID() protocol.ID { return t.id }

// SecureOutbound is the dialler's end of the handshake.
func (t *tlsTransport) SecureOutbound(ctx context.Context, insecure net.Conn, p peer.ID) (sec.SecureConn, error) {
	conf, key := t.identity.ConfigForPeer(p)
	conf.NextProtos = slices.Concat(t.muxers, conf.NextProtos)
	return t.secure(ctx, tls.Client(insecure, conf), key)
}

// SecureInbound is the listener's end of the handshake. Of the multiplexers the dialler's favourite is taken.
func (t *tlsTransport) SecureInbound(ctx context.Context, insecure net.Conn, p peer.ID) (sec.SecureConn, error) {
	conf, key := t.identity.ConfigForPeer(p)
	conf.NextProtos = slices.Concat(t.muxers, conf.NextProtos)
	conf.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		for _, offered := range hello.SupportedProtos {
			if slices.Contains(t.muxers, offered) {
				chosen := conf.Clone()
				chosen.NextProtos = []string{offered}
				return chosen, nil
			}
		}
		return conf, nil
	}
	return t.secure(ctx, tls.Server(insecure, conf), key)
}

// secure does the handshake. The peer's key comes from the check of its certificate.
func (t *tlsTransport) secure(ctx context.Context, c *tls.Conn, key <-chan crypto.PubKey) (sec.SecureConn, error) {
	out, err := t.shake(ctx, c, key)
	if err != nil {
		_ = c.NetConn().Close() // the handshake's failure is what counts
		return nil, err
	}
	return out, nil
}

func (t *tlsTransport) shake(ctx context.Context, c *tls.Conn, key <-chan crypto.PubKey) (*tlsConn, error) {
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	out := &tlsConn{Conn: c, self: t.self}
	select {
	case out.key = <-key:
	default:
	}
	if out.key == nil {
		return nil, errors.New("the TLS handshake has ended without the peer's key")
	}
	var err error
	if out.remote, err = peer.IDFromPublicKey(out.key); err != nil {
		return nil, err
	}
	if chosen := c.ConnectionState().NegotiatedProtocol; chosen != plainALPN && chosen != "" {
		out.state = network.ConnectionState{StreamMultiplexer: protocol.ID(chosen), UsedEarlyMuxerNegotiation: true}
	}
	return out, nil
}

// tlsConn is a connection that TLS secures.
type tlsConn struct {
	*tls.Conn
	self, remote peer.ID
	key          crypto.PubKey
	state        network.ConnectionState
}

// LocalPeer is this host.
func (c *tlsConn) LocalPeer() peer.ID { return c.self }

// RemotePeer is the peer at the other end, proved by the handshake.
func (c *tlsConn) RemotePeer() peer.ID { return c.remote }

// RemotePublicKey is the peer's key.
func (c *tlsConn) RemotePublicKey() crypto.PubKey { return c.key }

// ConnState tells which multiplexer was negotiated.
func (c *tlsConn) ConnState() network.ConnectionState { return c.state }
