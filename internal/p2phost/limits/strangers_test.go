package limits

import (
	"errors"
	"fmt"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// Strangers can't use up the streams and connections that neighbors in the ring need, whatever they
// open and leave unfinished.
func TestStrangersLeaveRoomForNeighbors(t *testing.T) {
	t.Parallel()
	const neighbor = peer.ID("neighbor")
	rm, err := NewResourceManager(Config{Connections: 40, Neighbor: func(p peer.ID) bool { return p == neighbor }})
	if err != nil {
		t.Fatal(err)
	}
	defer rm.Close()
	far := func(i int) ma.Multiaddr {
		return ma.StringCast(fmt.Sprintf("/ip4/1.2.%d.%d/udp/1/quic-v1", i/250, i%250+1))
	}
	connect := func(from ma.Multiaddr, p peer.ID) (network.ConnManagementScope, error) {
		c, err := rm.OpenConnection(network.DirInbound, false, from)
		if err != nil {
			return nil, err
		}
		if err := c.SetPeer(p); err != nil {
			c.Done()
			return nil, err
		}
		return c, nil
	}
	open := 0
	var last network.ConnManagementScope
	for i := range 100 {
		if c, err := connect(far(i), peer.ID(fmt.Sprint("stranger", i))); err == nil {
			open, last = open+1, c
		} else if !errors.Is(err, network.ErrResourceLimitExceeded) {
			t.Fatal(err)
		}
	}
	if open != 30 {
		t.Errorf("strangers have %d of 40 connections, want 30", open)
	}
	if _, err := connect(far(101), neighbor); err != nil {
		t.Errorf("a neighbor's connection: %v", err)
	}
	last.Done()
	last.Done()
	if _, err := connect(far(102), "another"); err != nil {
		t.Errorf("after one has ended: %v", err)
	}

	// Streams on which no protocol is agreed on, of one peer and of many.
	count := func(p peer.ID, n int) (got []network.StreamManagementScope) {
		for range n {
			if s, err := rm.OpenStream(p, network.DirInbound); err == nil {
				got = append(got, s)
			}
		}
		return got
	}
	mine := count("stranger1", 1000)
	if len(mine) != 64 {
		t.Errorf("a stranger has %d streams without a protocol, want 64", len(mine))
	}
	for i := range 300 {
		count(peer.ID(fmt.Sprint("stranger", i)), 64)
	}
	if got := len(count(neighbor, 100)); got != 100 {
		t.Errorf("a neighbor has %d of 100 streams beside them", got)
	}
	if _, err := rm.OpenStream("late", network.DirInbound); !errors.Is(err, network.ErrResourceLimitExceeded) {
		t.Errorf("one stranger more: %v", err)
	}
	for _, s := range mine {
		if err := s.SetProtocol("/p2pchord/ring/1.0.0"); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(count("stranger1", 1000)); got != 64 {
		t.Errorf("a stranger has %d further streams, want 64", got)
	}
	for _, s := range mine {
		s.Done()
		s.Done()
	}
	all := rm.(*namedLimits).strangers
	if of := all.peers["stranger1"]; of.streams != 64 || of.negotiating != 64 {
		t.Errorf("after the end of the first 64: %+v", of)
	}
}

// Connections that are being set up take no more than a part of that room behind one address.
func TestHandshakesBehindOneAddress(t *testing.T) {
	t.Parallel()
	rm, err := NewResourceManager(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer rm.Close()
	first := ma.StringCast("/ip4/1.2.3.4/udp/1/quic-v1")
	var scopes []network.ConnManagementScope
	for {
		c, err := rm.OpenConnection(network.DirInbound, false, first)
		if err != nil {
			break
		}
		scopes = append(scopes, c)
	}
	if len(scopes) != PeerConnectionsPerAddress/4 {
		t.Errorf("%d handshakes from one address", len(scopes))
	}
	if _, err := rm.OpenConnection(network.DirInbound, false, ma.StringCast("/ip4/1.2.3.5/udp/1/quic-v1")); err != nil {
		t.Errorf("another address: %v", err)
	}
	if err := scopes[0].SetPeer("somebody"); err != nil {
		t.Fatal(err)
	}
	scopes[1].Done()
	for range 2 {
		if _, err := rm.OpenConnection(network.DirInbound, false, first); err != nil {
			t.Errorf("after two are over: %v", err)
		}
	}
}
