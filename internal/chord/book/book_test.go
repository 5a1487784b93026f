package book

import (
	"path/filepath"
	"testing"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/chord/book/booktest"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// A full book forgets whom it has not used for longest, with the addresses, and never neighbors or
// who is connected.
func TestBookForgetsTheLeastUsed(t *testing.T) {
	t.Parallel()
	h, friend := testHost(t, p2phost.Peer), testHost(t, p2phost.Peer)
	if err := h.Connect(t.Context(), peer.AddrInfo{ID: friend.ID(), Addrs: friend.Addrs()}); err != nil {
		t.Fatal(err)
	}
	var neighbor ring.ID
	b := New(h, protocol.Ring{}, func(id ring.ID) bool { return id == neighbor })
	b.size = 8
	connected, err := b.Learn(booktest.DescribedBy(t, friend.Peerstore().PrivKey(friend.ID()), 1))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := b.Learn(booktest.MadeUp(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	neighbor = kept.Position.ID
	used, err := b.Learn(booktest.MadeUp(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	var gone []peer.ID
	for range 50 {
		info, err := b.Learn(booktest.MadeUp(t, 20))
		if err != nil {
			t.Fatal(err)
		}
		gone = append(gone, info.ID)
		if _, ok := b.Info(used.Position.ID); !ok {
			t.Fatal("a peer that is asked for all the time is forgotten")
		}
		if len(b.peers) > b.size || b.used.Len() != len(b.peers) {
			t.Fatalf("%d peers and %d in the list, want %d at most", len(b.peers), b.used.Len(), b.size)
		}
	}
	for _, id := range []ring.ID{connected.Position.ID, neighbor} {
		if _, ok := b.Info(id); !ok {
			t.Errorf("a neighbor or a connected peer is forgotten")
		}
	}
	for _, id := range gone[:40] {
		if addrs := h.Peerstore().Addrs(id); len(addrs) > 0 {
			t.Errorf("%d addresses of a forgotten peer are kept", len(addrs))
		}
		if cab, ok := peerstore.GetCertifiedAddrBook(h.Peerstore()); !ok || cab.GetPeerRecord(id) != nil {
			t.Error("the record of a forgotten peer is kept")
		}
	}
	if n := len(h.Peerstore().Addrs(gone[49])); n == 0 || n > 16 {
		t.Errorf("%d addresses of a peer are kept", n)
	}
}

// Whoever joins an old ring address of a peer to its newer addresses does not move it.
func TestNobodyElseMovesAPeer(t *testing.T) {
	t.Parallel()
	h, peerHost := testHost(t, p2phost.Peer), testHost(t, p2phost.Peer)
	describe := func(port string) *pb.Peer {
		p, err := protocol.MakePeer(peerHost, protocol.RingAddress{Host: "localhost", Port: port})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	before, now := describe("8001"), describe("8002")
	newer := booktest.DescribedBy(t, peerHost.Peerstore().PrivKey(peerHost.ID()), 1)
	rec := &peer.PeerRecord{PeerID: peerHost.ID(), Seq: 1 << 62}
	env, err := record.Seal(rec, peerHost.Peerstore().PrivKey(peerHost.ID()))
	if err != nil {
		t.Fatal(err)
	}
	if newer.Record, err = env.Marshal(); err != nil {
		t.Fatal(err)
	}
	forged := &pb.Peer{
		Id: before.GetId(), RingAddress: before.GetRingAddress(), RingHostLength: before.GetRingHostLength(),
		RingSignature: before.GetRingSignature(), Record: newer.GetRecord(),
	}
	for name, learn := range map[string]func(*Book) (protocol.PeerInfo, error){
		"from the peer itself": func(b *Book) (protocol.PeerInfo, error) { return b.LearnFrom(peerHost.ID(), now) },
		"from others, bound":   func(b *Book) (protocol.PeerInfo, error) { return b.Learn(now) },
	} {
		b := New(h, protocol.Ring{}, nil)
		want, err := learn(b)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := b.Learn(forged); err != nil || got.Position != want.Position {
				t.Errorf("known %s: it is shown at %v after a forgery, want %v (%v)", name, got.Position, want.Position, err)
			}
		}
		// The peer itself moves.
		if got, err := b.LearnFrom(peerHost.ID(), before); err != nil || got.RingAddress.Port != "8001" {
			t.Errorf("known %s: the peer says that it has moved, and is shown at %v (%v)", name, got.RingAddress, err)
		}
	}
}

func testHost(t *testing.T, profile p2phost.Profile) host.Host {
	t.Helper()
	key, err := p2phost.LoadOrCreateIdentity(filepath.Join(t.TempDir(), "identity"))
	if err != nil {
		t.Fatal(err)
	}
	h, err := p2phost.New(p2phost.Config{Profile: profile, Key: key, Listen: []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/0")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}
