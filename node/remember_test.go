package node

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// madeUp is the description of a peer that nobody has met, with so many addresses.
func madeUp(t testing.TB, addrs int) *pb.Peer {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return describedBy(t, key, addrs)
}

func describedBy(t testing.TB, key crypto.PrivKey, addrs int) *pb.Peer {
	t.Helper()
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	r := &peer.PeerRecord{PeerID: id, Seq: 1}
	for i := range addrs {
		r.Addrs = append(r.Addrs, ma.StringCast(fmt.Sprintf("/ip4/192.0.2.1/tcp/%d", i+1)))
	}
	env, err := record.Seal(r, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := env.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	sig, err := key.Sign([]byte("p2pchord-ring-address:"))
	if err != nil {
		t.Fatal(err)
	}
	return &pb.Peer{Id: []byte(id), RingSignature: sig, Record: raw}
}

// A full book forgets whom it has not used for longest, with the addresses, and never neighbors or who is connected.
func TestBookForgetsTheLeastUsed(t *testing.T) {
	t.Parallel()
	h, friend := testHost(t, p2phost.Peer), testHost(t, p2phost.Peer)
	if err := h.Connect(t.Context(), peer.AddrInfo{ID: friend.ID(), Addrs: friend.Addrs()}); err != nil {
		t.Fatal(err)
	}
	var neighbor ring.ID
	b := newBook(h, func(id ring.ID) bool { return id == neighbor })
	b.size = 8
	connected, err := b.learnOne(describedBy(t, friend.Peerstore().PrivKey(friend.ID()), 1))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := b.learnOne(madeUp(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	neighbor = kept.Position.ID
	used, err := b.learnOne(madeUp(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	var gone []peer.ID
	for range 50 {
		info, err := b.learnOne(madeUp(t, 20))
		if err != nil {
			t.Fatal(err)
		}
		gone = append(gone, info.ID)
		if _, ok := b.info(used.Position.ID); !ok {
			t.Fatal("a peer that is asked for all the time is forgotten")
		}
		if len(b.peers) > b.size || b.used.Len() != len(b.peers) {
			t.Fatalf("%d peers and %d in the list, want %d at most", len(b.peers), b.used.Len(), b.size)
		}
	}
	for _, id := range []ring.ID{connected.Position.ID, neighbor} {
		if _, ok := b.info(id); !ok {
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
	newer := describedBy(t, peerHost.Peerstore().PrivKey(peerHost.ID()), 1) // its number is 1: make it the greatest
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
	for name, learn := range map[string]func(*book) (protocol.PeerInfo, error){
		"from the peer itself": func(b *book) (protocol.PeerInfo, error) { return b.learnFrom(peerHost.ID(), now) },
		"from others, bound":   func(b *book) (protocol.PeerInfo, error) { return b.learnOne(now) },
	} {
		b := newBook(h, nil)
		want, err := learn(b)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := b.learnOne(forged); err != nil || got.Position != want.Position {
				t.Errorf("known %s: it is shown at %v after a forgery, want %v (%v)", name, got.Position, want.Position, err)
			}
		}
		// The peer itself moves.
		if got, err := b.learnFrom(peerHost.ID(), before); err != nil || got.RingAddress.Port != "8001" {
			t.Errorf("known %s: the peer says that it has moved, and is shown at %v (%v)", name, got.RingAddress, err)
		}
	}
}

// A memory of peers that has grown on disk is cut when the folder is opened.
func TestRememberedPeersAreCut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := openDataFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	var peers []*pb.Peer
	for range 400 {
		peers = append(peers, madeUp(t, 300))
	}
	if err := f.keep(peers, peers[:3], memory{HadPeers: true, Copies: 3}); err != nil {
		t.Fatal(err)
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if f, err = openDataFolder(dir); err != nil {
			t.Fatal(err)
		}
		if !f.hadPeers || f.copies != 3 || len(f.holders) != 3 || len(f.peers) < maxRememberedPeers {
			t.Errorf("read: had peers %t, %d copies, %d holders, %d peers", f.hadPeers, f.copies, len(f.holders), len(f.peers))
		}
		if err := f.close(); err != nil {
			t.Fatal(err)
		}
		st, err := os.Stat(filepath.Join(dir, memoryFile))
		if err != nil || st.Size() > 128<<10 {
			t.Errorf("peers.json has %d bytes (%v)", st.Size(), err)
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
