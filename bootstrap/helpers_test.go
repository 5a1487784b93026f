package bootstrap

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// How long a test waits for what must happen; a failing test's time, not a passing one's.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// libp2p and its libraries keep these for the life of the process.
		goleak.IgnoreAnyFunction("github.com/libp2p/go-libp2p/p2p/host/resource-manager.(*resourceManager).background"),
		goleak.IgnoreAnyFunction("github.com/golang/glog.(*fileSink).flushDaemon"),
	)
}

var loopback = []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"}

func multiaddrs(t testing.TB, ss ...string) []ma.Multiaddr {
	t.Helper()
	var out []ma.Multiaddr
	for _, s := range ss {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, a)
	}
	return out
}

// startPeer starts a bootstrap peer with a heartbeat that is fast, yet slow enough for a loaded
// machine, on loopback; its events go to the channel.
func startPeer(t testing.TB, cfg Config) (*Peer, <-chan Event) {
	t.Helper()
	events := make(chan Event, 256)
	if cfg.Data == "" {
		cfg.Data = t.TempDir()
	}
	if cfg.Listen == nil {
		cfg.Listen = multiaddrs(t, loopback...)
	}
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = 500 * time.Millisecond
	}
	cfg.Events = func(e Event) { events <- e }
	p, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p, events
}

// testRings are the members of the rings of tests: those that know each other.
var testRings struct {
	sync.Mutex
	of map[string][]*member // by the test's name
}

// neighbors answers as a member of the ring of t would whose neighbors are all others.
func (m *member) neighbors(t testing.TB) (*pb.Neighbours, error) {
	self, err := protocol.MakePeer(m.host, m.address)
	if err != nil {
		return nil, err
	}
	out := &pb.Neighbours{Self: self, Joined: m.joined.Load(), Incorporated: m.joined.Load()}
	testRings.Lock()
	others := slices.Clone(testRings.of[t.Name()])
	testRings.Unlock()
	for _, o := range others {
		if p, err := protocol.MakePeer(o.host, o.address); err == nil && o != m && out.Joined && o.joined.Load() {
			out.Successors = append(out.Successors, p)
		}
	}
	return out, nil
}

// member is a host with what a node has of a bootstrap peer, which answers questions for its
// neighbors.
type member struct {
	host    host.Host
	client  *protocol.Client
	address protocol.RingAddress
	joined  atomic.Bool
	told    chan *pb.Introduced
}

func startMember(t testing.TB, ringAddress string) *member {
	t.Helper()
	key, err := p2phost.LoadOrCreateIdentity(filepath.Join(t.TempDir(), "identity"))
	if err != nil {
		t.Fatal(err)
	}
	h, err := p2phost.New(p2phost.Config{Key: key, Listen: multiaddrs(t, loopback...)})
	if err != nil {
		t.Fatal(err)
	}
	m := &member{host: h, client: protocol.NewClient(h, protocol.ClientOptions{}), told: make(chan *pb.Introduced, 1024)}
	if m.address, err = protocol.ParseRingAddress(ringAddress); err != nil {
		t.Fatal(err)
	}
	serving := protocol.ServeRing(h, protocol.ServeOptions{}, func(context.Context, peer.ID, *pb.RingRequest) (*pb.RingResponse, error) {
		n, err := m.neighbors(t)
		return &pb.RingResponse{Body: &pb.RingResponse_Neighbours{Neighbours: n}}, err
	})
	testRings.Lock()
	if testRings.of == nil {
		testRings.of = make(map[string][]*member)
	}
	testRings.of[t.Name()] = append(testRings.of[t.Name()], m)
	testRings.Unlock()
	t.Cleanup(func() {
		if err := errors.Join(serving.Close(), m.client.Close(), h.Close()); err != nil {
			t.Error(err)
		}
	})
	return m
}

func (m *member) contact(t testing.TB, addr ma.Multiaddr) *Contact {
	t.Helper()
	c, err := NewContact(ContactConfig{
		Host: m.host, Client: m.client, Addr: addr,
		Self:       func() (*pb.Peer, error) { return protocol.MakePeer(m.host, m.address) },
		Joined:     m.joined.Load,
		Introduced: func(i *pb.Introduced) { m.told <- i },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func receive[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s within %s", what, patience)
		panic("unreachable")
	}
}

// until waits for an introduction that ok accepts.
func (m *member) until(t testing.TB, what string, ok func(*pb.Introduced) bool) *pb.Introduced {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case i := <-m.told:
			if ok(i) {
				return i
			}
		case <-deadline:
			t.Fatalf("no introduction that %s within %s", what, patience)
		}
	}
}

func found(i *pb.Introduced) bool { return i.GetFound() }

func introducedTo(id string) func(*pb.Introduced) bool {
	return func(i *pb.Introduced) bool {
		for _, p := range i.GetPeers() {
			if info, err := protocol.ParsePeer(p); err == nil && info.ID.String() == id && !i.GetSettling() {
				return true
			}
		}
		return false
	}
}

func (m *member) join(c *Contact) {
	m.joined.Store(true)
	c.Update()
}
