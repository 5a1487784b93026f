package p2phost

import (
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/pnet"
	"github.com/libp2p/go-libp2p/core/transport"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"

	"github.com/p2pchord/p2pchord/internal/certdate"
)

// newQUIC is libp2p's QUIC, with a certificate that is valid by any clock.
func newQUIC(key crypto.PrivKey, conns *quicreuse.ConnManager, psk pnet.PSK, gater connmgr.ConnectionGater, rm network.ResourceManager) (transport.Transport, error) {
	template, err := certdate.Template()
	if err != nil {
		return nil, err
	}
	return quic.NewTransport(key, conns, psk, gater, rm, quic.WithTLSIdentityOption(libp2ptls.WithCertTemplate(template)))
}
