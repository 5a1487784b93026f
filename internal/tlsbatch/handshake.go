package tlsbatch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
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
)

// plainALPN stands for a peer that negotiates the multiplexer after the handshake.
const plainALPN = "libp2p"

// handshaker makes libp2p's TLS handshake with a certificate that is valid by any clock.
type handshaker struct {
	id       protocol.ID
	self     peer.ID
	identity *libp2ptls.Identity
	muxers   []string
}

func newHandshaker(id protocol.ID, key crypto.PrivKey, muxers []tptu.StreamMuxer, template *x509.Certificate) (*handshaker, error) {
	self, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, err
	}
	identity, err := libp2ptls.NewIdentity(key, libp2ptls.WithCertTemplate(template))
	if err != nil {
		return nil, err
	}
	t := &handshaker{id: id, self: self, identity: identity}
	for _, m := range muxers {
		t.muxers = append(t.muxers, string(m.ID))
	}
	return t, nil
}

// ID returns the protocol's ID.
func (t *handshaker) ID() protocol.ID { return t.id }

// SecureOutbound makes the dialer's end of the handshake.
func (t *handshaker) SecureOutbound(ctx context.Context, insecure net.Conn, p peer.ID) (sec.SecureConn, error) {
	conf, key := t.identity.ConfigForPeer(p)
	conf.NextProtos = slices.Concat(t.muxers, conf.NextProtos)
	return t.secure(ctx, tls.Client(insecure, conf), key)
}

// SecureInbound makes the listener's end of the handshake. It takes the multiplexer that the dialer
// prefers.
func (t *handshaker) SecureInbound(ctx context.Context, insecure net.Conn, p peer.ID) (sec.SecureConn, error) {
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
func (t *handshaker) secure(ctx context.Context, c *tls.Conn, key <-chan crypto.PubKey) (sec.SecureConn, error) {
	out, err := t.shake(ctx, c, key)
	if err != nil {
		_ = c.NetConn().Close() // the handshake's failure is what counts
		return nil, err
	}
	return out, nil
}

func (t *handshaker) shake(ctx context.Context, c *tls.Conn, key <-chan crypto.PubKey) (*tlsConn, error) {
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

// LocalPeer returns this host's ID.
func (c *tlsConn) LocalPeer() peer.ID { return c.self }

// RemotePeer returns the ID of the peer at the other end, which the handshake has proved.
func (c *tlsConn) RemotePeer() peer.ID { return c.remote }

// RemotePublicKey returns the peer's key.
func (c *tlsConn) RemotePublicKey() crypto.PubKey { return c.key }

// ConnState returns which multiplexer was negotiated.
func (c *tlsConn) ConnState() network.ConnectionState { return c.state }
