package limits

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	ma "github.com/multiformats/go-multiaddr"
)

type members struct {
	known []peer.ID

	mu sync.Mutex
	in map[peer.ID]bool
}

func (m *members) Known(p peer.ID) bool    { return slices.Contains(m.known, p) }
func (m *members) Refused(peer.ID) bool    { return false }
func (m *members) admit(p peer.ID)         { m.mu.Lock(); defer m.mu.Unlock(); m.in[p] = true }
func (m *members) Admitted(p peer.ID) bool { m.mu.Lock(); defer m.mu.Unlock(); return m.in[p] }

func (*members) OpenProtocols() []protocol.ID { return []protocol.ID{"/open"} }

func (m *members) Await(_ context.Context, p peer.ID) error {
	if m.Admitted(p) {
		return nil
	}
	return errors.New("not admitted")
}

// 2,000 strangers have 128 connections at a private host, 8 behind one address, and keep no member
// out.
func TestStrangersOnProbation(t *testing.T) {
	t.Parallel()
	const known, late = peer.ID("known"), peer.ID("late")
	access := &members{known: []peer.ID{known}, in: map[peer.ID]bool{}}
	rm, err := NewResourceManager(Config{Access: access})
	if err != nil {
		t.Fatal(err)
	}
	defer rm.Close()
	connect := func(p peer.ID, endpoint string) (network.ConnManagementScope, error) {
		c, err := rm.OpenConnection(network.DirInbound, false, ma.StringCast(endpoint))
		if err != nil {
			return nil, err
		}
		if err := c.SetPeer(p); err != nil {
			c.Done()
			return nil, err
		}
		return c, nil
	}
	var open []network.ConnManagementScope
	for i := range 2000 {
		// 20 addresses, 100 strangers each, then as many again from loopback, which is free.
		endpoint := fmt.Sprintf("/ip4/1.2.3.%d/udp/1/quic-v1", i/100+1)
		if i >= 1000 {
			endpoint = "/ip4/127.0.0.1/udp/1/quic-v1"
		}
		c, err := connect(peer.ID(fmt.Sprint("stranger", i)), endpoint)
		if err == nil {
			open = append(open, c)
		} else if !errors.Is(err, network.ErrResourceLimitExceeded) {
			t.Fatal(err)
		}
		if i == 999 && len(open) != 10*probationBehind {
			t.Errorf("%d connections from 10 addresses, want %d", len(open), 10*probationBehind)
		}
	}
	if len(open) != probationConns {
		t.Errorf("%d connections in all, want %d", len(open), probationConns)
	}
	if _, err := connect(known, "/ip4/1.2.3.1/udp/1/quic-v1"); err != nil {
		t.Errorf("a member's connection: %v", err)
	}
	if _, err := connect(late, "/ip4/9.9.9.9/udp/1/quic-v1"); err == nil {
		t.Error("there was room for one stranger more")
	}
	open[0].Done()
	if _, err := connect(late, "/ip4/9.9.9.9/udp/1/quic-v1"); err != nil {
		t.Errorf("after one has gone: %v", err)
	}
	access.admit("stranger1")
	if _, err := connect("another", "/ip4/9.9.9.8/udp/1/quic-v1"); err != nil {
		t.Errorf("after one was admitted: %v", err)
	}
}

// Whether a stream's protocol is refused or waited for depends on the peer and on which side opens
// the stream.
func TestProtocolsOnProbation(t *testing.T) {
	t.Parallel()
	access := &members{in: map[peer.ID]bool{}}
	rm, err := NewResourceManager(Config{Access: access})
	if err != nil {
		t.Fatal(err)
	}
	defer rm.Close()
	for _, dir := range []network.Direction{network.DirInbound, network.DirOutbound} {
		for id, open := range map[protocol.ID]bool{identify.ID: true, "/open": true, "/other": false, ping.ID: false, identify.IDPush: false} {
			for _, admitted := range []bool{false, true} {
				p := peer.ID(fmt.Sprint("peer", dir, id, admitted))
				if admitted {
					access.admit(p)
				}
				s, err := rm.OpenStream(p, dir)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.SetProtocol(id); (err == nil) != (open || admitted) {
					t.Errorf("%s, direction %d, admitted %t: %v", id, dir, admitted, err)
				}
				s.Done()
				s.Done()
			}
		}
	}
	var open []network.StreamManagementScope
	for range 3 * probationStreams {
		if s, err := rm.OpenStream("many", network.DirInbound); err == nil {
			open = append(open, s)
		}
	}
	if len(open) != probationStreams {
		t.Errorf("%d streams of a peer that isn't admitted, want %d", len(open), probationStreams)
	}
	access.admit("many")
	for range 3 * probationStreams {
		if _, err := rm.OpenStream("many", network.DirInbound); err != nil {
			t.Fatalf("once admitted: %v", err)
		}
	}
}
