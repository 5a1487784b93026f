package signed

import (
	"crypto/ed25519"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/protocol/pb"
)

// What is remembered is bounded, and forgetting changes no answer.
func TestPeerCache(t *testing.T) {
	t.Parallel()
	c := peerCache{generation: 4}
	for i := range byte(100) {
		c.put([32]byte{i}, PeerInfo{Seq: uint64(i)})
		if _, ok := c.get([32]byte{0}); !ok {
			t.Fatalf("what is asked for all the time is forgotten after %d others", i)
		}
		if n := len(c.young) + len(c.older); n > 8 {
			t.Fatalf("%d entries", n)
		}
	}
	if _, ok := c.get([32]byte{50}); ok {
		t.Error("an old entry is remembered")
	}
	key, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := record.Seal(&peer.PeerRecord{PeerID: id, Addrs: []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.1/tcp/4001")}, Seq: 7}, key)
	if err != nil {
		t.Fatal(err)
	}
	describe := func() *pb.Peer {
		p, err := Describe(key, RingAddress{"localhost", "8001"}, envelope)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	a, b := describe(), describe()
	if fingerprint(a) != fingerprint(b) {
		t.Error("equal peers have different fingerprints")
	}
	for i, change := range []func(*pb.Peer){
		func(p *pb.Peer) { p.Id = p.Id[1:] },
		func(p *pb.Peer) { p.RingAddress += "0" },
		func(p *pb.Peer) { p.RingHostLength++ },
		func(p *pb.Peer) { p.RingSignature = append(p.RingSignature, p.Record[0]); p.Record = p.Record[1:] },
		func(p *pb.Peer) { p.Record = nil },
		func(p *pb.Peer) { p.StatementSignature = nil },
	} {
		b, _ = proto.Clone(a).(*pb.Peer)
		change(b)
		if fingerprint(a) == fingerprint(b) {
			t.Errorf("change %d does not show in the fingerprint", i)
		}
	}
}
