package protocol

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// A request on a stream that the other side has closed meanwhile is sent again on a new one.
func TestStaleStream(t *testing.T) {
	t.Parallel()
	server, client := newPair(t)
	var served atomic.Int64
	closeLater(t, ServeRing(server, ServeOptions{}, func(context.Context, peer.ID, *pb.RingRequest) (*pb.RingResponse, error) {
		served.Add(1)
		return nil, nil
	}))
	c := newClient(t, client, ClientOptions{})
	for i := range 6 {
		if _, err := c.Ring(t.Context(), server.ID(), ping()); err != nil {
			t.Fatal(err)
		}
		for _, conn := range server.Network().Conns() {
			for _, s := range conn.GetStreams() {
				switch {
				case s.Protocol() != RingID:
				case i%2 == 0:
					_ = s.Close()
				default:
					_ = s.Reset()
				}
			}
		}
	}
	if served.Load() != 6 {
		t.Errorf("%d requests were served", served.Load())
	}
}

// Idle streams are closed after their time.
func TestIdleStreamsEnd(t *testing.T) {
	t.Parallel()
	server, client := newPair(t)
	closeLater(t, ServeRing(server, ServeOptions{}, func(context.Context, peer.ID, *pb.RingRequest) (*pb.RingResponse, error) { return nil, nil }))
	c := newClient(t, client, ClientOptions{IdleTimeout: 50 * time.Millisecond})
	if _, err := c.Ring(t.Context(), server.ID(), ping()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the idle stream", func() bool { return streams(client) == 0 })
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	if len(c.pool.lines) != 0 {
		t.Errorf("%d lines are kept", len(c.pool.lines))
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	server, client := newPair(t)
	c := newClient(t, client, ClientOptions{DialTimeout: 2 * time.Second, DirectWait: -1})
	for name, to := range map[string]peer.ID{"without an address": fixedID(9), "itself": client.ID(), "not speaking the protocol": server.ID()} {
		_, err := c.Ring(t.Context(), to, ping())
		wantCode(t, err, fault.Unreachable)
		if errors.Is(err, ErrNoAnswer) && to != server.ID() {
			t.Errorf("%s: it may have been carried out, says %v", name, err)
		}
		if !strings.Contains(err.Error(), to.String()) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q", name, err)
		}
		reply, err := c.File(t.Context(), to, getRequest("x"), nil)
		wantCode(t, err, fault.Unreachable)
		if reply != nil {
			t.Errorf("%s: a reply", name)
		}
	}
	_, err := c.Ring(t.Context(), server.ID(), ping())
	if !strings.Contains(err.Error(), "does not speak") {
		t.Errorf("a peer without the protocol: %q", err)
	}
	// Another peer at the address.
	client.Peerstore().AddAddrs(fixedID(8), server.Addrs(), peerstore.PermanentAddrTTL)
	_, err = c.Ring(t.Context(), fixedID(8), ping())
	wantCode(t, err, fault.Unreachable)
	if !strings.Contains(err.Error(), server.ID().String()) {
		t.Errorf("another peer at the address: %q", err)
	}
	// Nobody at the address.
	gone := newHost(t)
	client.Peerstore().AddAddrs(gone.ID(), gone.Addrs(), peerstore.PermanentAddrTTL)
	_ = gone.Close()
	_, err = c.Ring(t.Context(), gone.ID(), ping())
	wantCode(t, err, fault.Unreachable)
	if n := len(c.pool.lines); n != 0 {
		t.Errorf("%d lines are left over from failures", n)
	}
}
