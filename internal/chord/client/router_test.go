package client

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// members answer lookups: each names itself as the owner, unless it is down.
type members struct {
	mu    sync.Mutex
	down  map[peer.ID]bool
	asked []peer.ID
}

func (m *members) Ring(_ context.Context, to peer.ID, _ *pb.RingRequest) (*pb.RingResponse, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, to)
	if m.down[to] {
		return nil, fault.Unreachable
	}
	self := &pb.Neighbours{Self: &pb.Peer{Id: []byte(to)}, Joined: true}
	return &pb.RingResponse{Body: &pb.RingResponse_Found{Found: &pb.Found{Owner: self}}}, nil
}

// Learn implements Book. The ID of a peer is its key here.
func (m *members) Learn(d *pb.Peer) (protocol.PeerInfo, error) {
	var key uint16
	if _, err := fmt.Sscanf(string(d.GetId()), "%d", &key); err != nil {
		return protocol.PeerInfo{}, fault.New(fault.Integrity, "no key: %w", err)
	}
	id := ring.ID(d.GetId())
	return protocol.PeerInfo{
		ID: peer.ID(id), Position: ring.Position{Key: ring.Key(key), ID: id},
		Addrs: []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.1/tcp/1")},
	}, nil
}

func (m *members) Info(ring.ID) (i protocol.PeerInfo, ok bool) { return i, false }

func TestMembersBeforeTheKeyAreAskedFirst(t *testing.T) {
	t.Parallel()
	m := &members{down: map[peer.ID]bool{"300": true}}
	e := env.NewSystem(t.Context())
	defer e.AwaitProcesses()
	r := New("client", m, m, 10*time.Second, e)
	if _, ok := r.Guess(1); ok {
		t.Error("a client that knows nobody guesses")
	}
	if _, err := r.Locate(t.Context(), 1); fault.CodeOf(err) != fault.Unreachable {
		t.Errorf("a client that knows nobody: %v", err)
	}
	for _, id := range []string{"500", "100", "300", "forged", "client"} {
		_, _ = r.Learn(&pb.Peer{Id: []byte(id)})
	}
	if len(r.Known()) != 3 {
		t.Errorf("it knows %d members, want 3", len(r.Known()))
	}
	for key, want := range map[ring.Key]peer.ID{50: "100", 100: "100", 101: "300", 400: "500", 600: "100"} {
		if got, ok := r.Guess(key); !ok || got != want {
			t.Errorf("the owner of %d is guessed to be %s, want %s", key, got, want)
		}
	}
	owner, err := r.Locate(t.Context(), 400)
	if err != nil || owner.ID != "100" {
		t.Errorf("located %s, %v", owner.ID, err)
	}
	if len(m.asked) != 2 || m.asked[0] != "300" || m.asked[1] != "100" {
		t.Errorf("asked %v, want 300, which is down, and 100", m.asked)
	}
	if len(r.Known()) != 2 {
		t.Error("a member that doesn't answer is not forgotten")
	}
}
