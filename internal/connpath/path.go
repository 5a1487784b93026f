package connpath

import (
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// The kinds of path.
const (
	Direct  = "direct"
	Relayed = "relayed"
)

// The transports that a host listens on, as people call them.
const (
	TCP  = "tcp"
	QUIC = "quic"
	WS   = "ws"
)

// Path is how a connection reaches its peer.
type Path struct {
	Kind      string  // Direct or Relayed
	Relay     peer.ID // empty if the path is direct, or the relay isn't known
	Transport string  // to the peer, or to the relay
}

// Of returns the path of c.
func Of(c network.Conn) Path {
	remote := c.RemoteMultiaddr()
	p := Path{Kind: Direct, Transport: Transport(remote)}
	if relay, ok := peeraddr.Relay(remote); ok {
		p.Kind, p.Relay = Relayed, relay
	} else if c.Stat().Limited {
		p.Kind = Relayed
	}
	return p
}

// To returns the path of the connection that h uses for new streams to p: a direct one if there
// is any. ok is false when there is no connection.
func To(h host.Host, p peer.ID) (path Path, ok bool) {
	for _, c := range h.Network().ConnsToPeer(p) {
		if next := Of(c); !ok || next.Kind == Direct {
			path, ok = next, true
		}
	}
	return path, ok
}

// Transport names the transport of a; of an address through a relay, the one to the relay.
func Transport(a ma.Multiaddr) string {
	name := ""
	for _, c := range a {
		switch c.Code() {
		case ma.P_TCP:
			name = TCP
		case ma.P_QUIC_V1:
			name = QUIC
		case ma.P_WS, ma.P_WSS:
			name = WS
		case ma.P_WEBTRANSPORT:
			name = "webtransport"
		case ma.P_WEBRTC_DIRECT, ma.P_WEBRTC:
			name = "webrtc"
		case ma.P_CIRCUIT:
			return name
		}
	}
	return name
}
