package node

import (
	"context"
	"crypto/rand"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multistream"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// The transports of a connection, as people call them.
const (
	transportTCP  = "tcp"
	transportQUIC = "quic"
	transportWS   = "ws"
)

// way is how a connection goes.
type way struct {
	path      string  // PathDirect or PathRelayed
	via       peer.ID // the relay, when it is relayed
	transport string  // to the peer, or to the relay
}

// wayOf returns how c goes.
func wayOf(c network.Conn) way {
	remote := c.RemoteMultiaddr()
	w := way{path: PathDirect, transport: transportOf(remote)}
	if relay, ok := relayOf(remote); ok {
		w.path, w.via = PathRelayed, relay
	} else if c.Stat().Limited {
		w.path = PathRelayed
	}
	return w
}

// relayOf returns the relay in a, an address that leads through one.
func relayOf(a ma.Multiaddr) (relay peer.ID, ok bool) {
	for i, c := range a {
		if c.Code() != ma.P_CIRCUIT {
			continue
		}
		if i > 0 && a[i-1].Code() == ma.P_P2P {
			relay, _ = peer.IDFromBytes(a[i-1].RawValue()) // empty if it is none: the relay isn't known then
		}
		return relay, true
	}
	return "", false
}

// transportOf names the transport of a, of one through a relay that to the relay.
func transportOf(a ma.Multiaddr) string {
	name := ""
	for _, c := range a {
		switch c.Code() {
		case ma.P_TCP:
			name = transportTCP
		case ma.P_QUIC_V1:
			name = transportQUIC
		case ma.P_WS, ma.P_WSS:
			name = transportWS
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

// wayTo returns how h's connection to p goes that new streams use: a direct one if there
// is any. ok is false when there is no connection.
func wayTo(h host.Host, p peer.ID) (w way, ok bool) {
	for _, c := range h.Network().ConnsToPeer(p) {
		if next := wayOf(c); !ok || next.path == PathDirect {
			w, ok = next, true
		}
	}
	return w, ok
}

// pingTimeout bounds one ping.
const pingTimeout = 2 * time.Second

// pingOver measures the time there and back over c itself, with libp2p's ping protocol.
func pingOver(ctx context.Context, c network.Conn) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "p2pchord ping"), pingTimeout)
	defer cancel()
	s, err := c.NewStream(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = s.Reset() }()
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	if err := s.SetProtocol(ping.ID); err != nil {
		return 0, err
	}
	if err := multistream.SelectProtoOrFail(ping.ID, s); err != nil {
		return 0, err
	}
	var best time.Duration
	for i := range 2 { // the first one may wait for the stream to be taken
		took, err := echo(s)
		if err != nil {
			return 0, err
		}
		if i == 0 || took < best {
			best = took
		}
	}
	return best, nil
}

// echo sends a ping's bytes and waits for them to come back.
func echo(s network.Stream) (time.Duration, error) {
	var out, back [ping.PingSize]byte
	_, _ = rand.Read(out[:]) // never fails, by its contract
	began := time.Now()
	if _, err := s.Write(out[:]); err != nil {
		return 0, err
	}
	if _, err := io.ReadFull(s, back[:]); err != nil {
		return 0, err
	}
	if out != back {
		return 0, fault.New(fault.Integrity, "the peer answered a ping with other bytes")
	}
	return time.Since(began), nil
}
