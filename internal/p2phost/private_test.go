package p2phost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multistream"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

const (
	openProtocol  protocol.ID = "/test/open/1.0.0"
	otherProtocol protocol.ID = "/test/other/1.0.0"
)

// guests is a set of peers that are admitted.
type guests struct {
	mu      sync.Mutex
	in      map[peer.ID]bool
	refused map[peer.ID]bool
}

func newGuests() *guests { return &guests{in: map[peer.ID]bool{}, refused: map[peer.ID]bool{}} }

func (g *guests) admit(p peer.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.in[p] = true
}

func (g *guests) Known(peer.ID) bool { return false }

func (g *guests) Admitted(p peer.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.in[p]
}

func (g *guests) Refused(p peer.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused[p]
}

func (g *guests) Await(_ context.Context, p peer.ID) error {
	if !g.Admitted(p) {
		return errors.New("not admitted")
	}
	return nil
}

func (*guests) OpenProtocols() []protocol.ID { return []protocol.ID{openProtocol} }

// use opens a stream of a protocol over a connection, without libp2p's table of what the peer
// supports, writes a line, and returns what comes back.
func use(t *testing.T, c network.Conn, id protocol.ID) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(t.Context(), "test"), 20*time.Second)
	defer cancel()
	s, err := c.NewStream(ctx)
	if err != nil {
		return err
	}
	defer s.Reset() //nolint:errcheck // it is of no more use
	if err := s.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	if err := multistream.SelectProtoOrFail(id, s); err != nil {
		return err
	}
	if id != identify.ID { // which reads nothing
		if _, err := s.Write([]byte("hello\n")); err != nil {
			return err
		}
		if err := s.CloseWrite(); err != nil {
			return err
		}
	}
	_, err = io.ReadAll(s)
	return err
}

// connTo connects from to at addr and returns that connection.
func connTo(t *testing.T, from host.Host, to peer.ID, addr ma.Multiaddr) network.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(t.Context(), "test"), 20*time.Second)
	defer cancel()
	if err := from.Connect(ctx, peer.AddrInfo{ID: to, Addrs: []ma.Multiaddr{addr}}); err != nil {
		t.Fatalf("connect at %s: %v", addr, err)
	}
	return from.Network().ConnsToPeer(to)[0]
}

// Whoever isn't admitted can use identify and what is open to all, and nothing else, libp2p's own
// protocols included, over every kind of connection.
func TestPrivateHostRefusesAllProtocolsButOpenOnes(t *testing.T) {
	t.Parallel()
	relay := startHost(t, Config{Profile: Bootstrap, Listen: addrs(t, loopTCP, loopQUIC)})
	g := newGuests()
	g.admit(relay.ID())
	private := startHost(t, Config{
		Listen: addrs(t, loopTCP, loopQUIC, "/ip4/127.0.0.1/tcp/0/ws"), Access: g,
	})
	echo := func(s network.Stream) {
		_, _ = io.Copy(s, s)
		_ = s.Close()
	}
	private.SetStreamHandler(openProtocol, echo)
	private.SetStreamHandler(otherProtocol, echo)
	_ = connTo(t, private, relay.ID(), relay.Addrs()[0])
	if _, err := client.Reserve(t.Context(), private, peer.AddrInfo{ID: relay.ID()}); err != nil {
		t.Fatal(err)
	}

	ways := map[string]ma.Multiaddr{"relay": ma.StringCast(fmt.Sprintf("%s/p2p/%s/p2p-circuit", relay.Addrs()[0], relay.ID()))}
	for _, a := range listening(private) {
		if _, err := a.ValueForProtocol(ma.P_WS); err == nil {
			ways["websocket"] = a
		} else if peeraddr.IsTCP(a) {
			ways["tcp"] = a
		} else {
			ways["quic"] = a
		}
	}
	if len(ways) != 4 {
		t.Fatalf("listens on %v", ways)
	}
	all := private.Mux().Protocols()
	for _, needed := range []protocol.ID{identify.ID, identify.IDPush, ping.ID, proto.ProtoIDv2Stop, openProtocol, otherProtocol} {
		if !slices.Contains(all, needed) {
			t.Fatalf("%s is not among %v", needed, all)
		}
	}
	for way, addr := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			c := connTo(t, startHost(t, Config{Profile: Client}), private.ID(), addr)
			if limited := c.Stat().Limited; limited != (way == "relay") {
				t.Fatalf("limited: %t", limited)
			}
			for _, id := range all {
				err := use(t, c, id)
				if open := id == identify.ID || id == openProtocol; open && err != nil {
					t.Errorf("%s: %v", id, err)
				} else if !open && !errors.Is(err, network.ErrReset) {
					t.Errorf("%s ended with %v, not with a reset", id, err)
				}
			}
			g.admit(c.LocalPeer())
			for _, id := range []protocol.ID{openProtocol, otherProtocol} {
				if err := use(t, c, id); err != nil {
					t.Errorf("once admitted, %s: %v", id, err)
				}
			}
		})
	}
}

// A private host opens no stream of its own to a peer that has not proved itself, and none at all
// when the peer is refused.
func TestPrivateHostKeepsItsStreams(t *testing.T) {
	t.Parallel()
	g := newGuests()
	private := startHost(t, Config{Listen: addrs(t, loopTCP), Access: g})
	other := startHost(t, Config{Listen: addrs(t, loopTCP)})
	for _, id := range []protocol.ID{openProtocol, otherProtocol} {
		other.SetStreamHandler(id, func(s network.Stream) { _ = s.Close() })
	}
	c := connTo(t, private, other.ID(), other.Addrs()[0])
	if s, err := private.NewStream(t.Context(), other.ID(), otherProtocol); err == nil {
		t.Errorf("a stream of %s was opened", s.Protocol())
	}
	// Without the wait before it: libp2p's own services open streams so.
	if s, err := c.NewStream(t.Context()); err != nil {
		t.Error(err)
	} else if err := s.SetProtocol(ping.ID); err == nil {
		t.Error("a stream got the protocol of ping")
	}
	if _, err := private.NewStream(t.Context(), other.ID(), openProtocol); err != nil {
		t.Errorf("an open protocol: %v", err)
	}
	g.admit(other.ID())
	if _, err := private.NewStream(t.Context(), other.ID(), otherProtocol); err != nil {
		t.Errorf("once admitted: %v", err)
	}

	revoked := startHost(t, Config{Listen: addrs(t, loopTCP)})
	g.mu.Lock()
	g.refused[revoked.ID()] = true
	g.mu.Unlock()
	if err := private.Connect(t.Context(), peer.AddrInfo{ID: revoked.ID(), Addrs: revoked.Addrs()}); err == nil {
		t.Error("connected to a peer that is refused")
	}
	// This may succeed: the connection is closed after the handshake.
	_ = revoked.Connect(t.Context(), peer.AddrInfo{ID: private.ID(), Addrs: private.Addrs()})
	until(t, "a refused peer's connection is closed", func() bool { return len(private.Network().ConnsToPeer(revoked.ID())) == 0 })
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not in time", what)
		}
	}
}
