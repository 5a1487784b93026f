package p2phost

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	tptu "github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	quictransport "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/quic-go/quic-go"

	"github.com/p2pchord/p2pchord/internal/certdate"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/internal/tlsbatch"
)

// seenCertificate is the certificate that the listener at addr shows, by TLS over a plain
// connection or by QUIC.
func seenCertificate(t *testing.T, h host.Host, over string) *x509.Certificate {
	t.Helper()
	id, err := libp2ptls.NewIdentity(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	conf, _ := id.ConfigForPeer(h.ID())
	conf.NextProtos = []string{"libp2p"}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if over == "quic" {
		port, _ := peeraddr.Port(listening(h)[0])
		c, err := quic.DialAddr(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), conf, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.CloseWithError(0, "") }()
		return c.ConnectionState().TLS.PeerCertificates[0]
	}
	secure, err := tlsbatch.New(libp2ptls.ID, h.Peerstore().PrivKey(h.ID()), nil)
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	go func() { _, _ = secure.SecureInbound(ctx, far, "") }()
	c := tls.Client(near, conf)
	defer func() { _ = near.Close() }()
	if err := c.HandshakeContext(ctx); err != nil {
		t.Fatal(err)
	}
	return c.ConnectionState().PeerCertificates[0]
}

// TestCertificatesAreValidByAnyClock checks the dates of a host's certificates over TCP and QUIC.
func TestCertificatesAreValidByAnyClock(t *testing.T) {
	t.Parallel()
	h := startHost(t, Config{Listen: addrs(t, loopQUIC)})
	for _, over := range []string{"tcp", "quic"} {
		c := seenCertificate(t, h, over)
		if c.NotBefore.After(time.Unix(0, 0)) || c.NotAfter.Before(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("over %s the certificate is valid from %v to %v", over, c.NotBefore, c.NotAfter)
		}
	}
}

// TestNoiseWhereTheDateIsWrong checks that a peer whose certificate is not valid yet by this
// machine's clock is reached over TCP all the same, and that over QUIC the error says that it is
// the date.
func TestNoiseWhereTheDateIsWrong(t *testing.T) {
	t.Parallel()
	later := func(c *x509.Certificate) *x509.Certificate {
		c.NotBefore = time.Now().Add(time.Hour)
		return c
	}
	template := func() *x509.Certificate {
		c, err := certdate.Template()
		if err != nil {
			t.Fatal(err)
		}
		return later(c)
	}
	fresh, err := libp2p.New(
		libp2p.ListenAddrStrings(loopTCP, loopQUIC), libp2p.DisableMetrics(),
		libp2p.Security(libp2ptls.ID, func(id protocol.ID, key crypto.PrivKey, muxers []tptu.StreamMuxer) (*tlsbatch.Transport, error) {
			return tlsbatch.NewWithTemplate(id, key, muxers, template())
		}),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Transport(quictransport.NewTransport, quictransport.WithTLSIdentityOption(libp2ptls.WithCertTemplate(template()))),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fresh.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, a := range listening(fresh) {
		h := startHost(t, Config{Profile: Client})
		connected := h.Connect(ctx, peer.AddrInfo{ID: fresh.ID(), Addrs: addrs(t, a.String())})
		if _, err := a.ValueForProtocol(ma.P_QUIC_V1); err == nil {
			if !certdate.Invalid(connected) {
				t.Errorf("over QUIC: %v, want the date as the reason", connected)
			}
			continue
		}
		if connected != nil {
			t.Errorf("over TCP: %v", connected)
			continue
		}
		if by := h.Network().ConnsToPeer(fresh.ID())[0].ConnState().Security; by != noise.ID {
			t.Errorf("over TCP the connection is secured by %s", by)
		}
	}
}
