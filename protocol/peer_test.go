package protocol

import (
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
	"github.com/p2pchord/p2pchord/ring"
)

func idOf(t testing.TB, b []byte) peer.ID {
	t.Helper()
	id, err := peer.IDFromBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// must is for what can't fail in a test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestParsePeer(t *testing.T) {
	t.Parallel()
	p := fixedPeer(1, "localhost:8001")
	info, err := ParsePeer(p)
	if err != nil {
		t.Fatal(err)
	}
	want := ring.Position{Key: 58795, ID: ring.ID(fixedID(1))}
	if info.ID != fixedID(1) || info.Position != want || info.RingAddress.String() != "localhost:8001" ||
		len(info.Addrs) != 2 || info.Seq != 7 || info.Envelope == nil || info.Message != p {
		t.Errorf("parsed as %+v", info)
	}
	// A peer without a ring address stands where its ID puts it.
	info, err = ParsePeer(fixedPeer(2, ""))
	if err != nil {
		t.Fatal(err)
	}
	if info.Position.Key != ring.Hash(fixedID(2).String()) || !info.RingAddress.IsZero() {
		t.Errorf("parsed as %+v", info)
	}
	// One that says nothing of its addresses is still believed about its place.
	bare := fixedPeer(1, "[::1]:8001")
	bare.Record = nil
	if info, err = ParsePeer(bare); err != nil || info.Envelope != nil || info.RingAddress.Host != "::1" {
		t.Errorf("parsed as %+v, %v", info, err)
	}
}

// peerLies spoil the description of fixedPeer(1, "localhost:8001").
func peerLies() map[string]func(*pb.Peer) {
	marshal := func(e *record.Envelope) []byte { return must(e.Marshal()) }
	other := fixedPeer(2, "localhost:8002")
	return map[string]func(*pb.Peer){
		"another's ID":                 func(p *pb.Peer) { p.Id = other.Id },
		"no ID":                        func(p *pb.Peer) { p.Id = nil },
		"an ID that is none":           func(p *pb.Peer) { p.Id = []byte("nobody at all") },
		"a long ID":                    func(p *pb.Peer) { p.Id = append(p.Id, make([]byte, 100)...) },
		"another ring address":         func(p *pb.Peer) { p.RingAddress = "localhost8002" },
		"another's ring address":       func(p *pb.Peer) { p.RingAddress, p.RingSignature = other.RingAddress, other.RingSignature },
		"its ring address left out":    func(p *pb.Peer) { p.RingAddress, p.RingHostLength = "", 0 },
		"that, without the signature":  func(p *pb.Peer) { p.RingAddress, p.RingHostLength, p.RingSignature = "", 0, nil },
		"host and port cut elsewhere":  func(p *pb.Peer) { p.RingHostLength = 10 },
		"a host past the end":          func(p *pb.Peer) { p.RingHostLength = 14 },
		"a host of 4 GiB":              func(p *pb.Peer) { p.RingHostLength = 1<<32 - 1 },
		"a host of no bytes":           func(p *pb.Peer) { p.RingHostLength = 0 },
		"no ring signature":            func(p *pb.Peer) { p.RingSignature = nil },
		"a bit of the signature":       func(p *pb.Peer) { p.RingSignature[0] ^= 1 },
		"a signature of 2 KiB":         func(p *pb.Peer) { p.RingSignature = make([]byte, 2048) },
		"a signature for other things": func(p *pb.Peer) { p.RingSignature = must(fixedKey(1).Sign([]byte("localhost:8001"))) },
		"another's record":             func(p *pb.Peer) { p.Record = other.Record },
		"a record about it by another": func(p *pb.Peer) { p.Record = marshal(fixedEnvelope(2, 1)) },
		"a record by it about another": func(p *pb.Peer) { p.Record = marshal(fixedEnvelope(1, 2)) },
		"a bit of the record":          func(p *pb.Peer) { p.Record[len(p.Record)/2] ^= 1 },
		"half a record":                func(p *pb.Peer) { p.Record = p.Record[:len(p.Record)/2] },
		"another statement":            func(p *pb.Peer) { p.StatementSignature = other.StatementSignature },
		"a bit of the statement":       func(p *pb.Peer) { p.StatementSignature[0] ^= 1 },
		"a statement of 2 KiB":         func(p *pb.Peer) { p.StatementSignature = make([]byte, 2048) },
		"a record too large":           func(p *pb.Peer) { p.Record = append(p.Record, make([]byte, MaxEnvelope)...) },
	}
}

// Every lie about a peer is refused, also when the truth is remembered.
func TestPeerLies(t *testing.T) {
	t.Parallel()
	lies := peerLies()
	lies["megabytes of unknown fields"] = func(p *pb.Peer) {
		extra := protowire.AppendTag(nil, 99, protowire.BytesType)
		p.ProtoReflect().SetUnknown(protowire.AppendBytes(extra, make([]byte, 1<<20)))
	}
	for name, lie := range lies {
		good := fixedPeer(1, "localhost:8001")
		if _, err := ParsePeer(good); err != nil {
			t.Fatal(err)
		}
		lie(good)
		info, err := ParsePeer(good)
		if err == nil {
			t.Errorf("%s is believed: %+v", name, info)
			continue
		}
		wantCode(t, err, fault.Integrity)
	}
	if _, err := ParsePeer(nil); err == nil {
		t.Error("nobody is believed to be somebody")
	}
}

// A peer ID may be written in one way only: as its key demands.
func TestPeerIDNotCanonical(t *testing.T) {
	t.Parallel()
	key := fixedKey(1)
	// a SHA-256 where an Ed25519 key is inlined
	hashed := append([]byte{0x12, 32}, make([]byte, 32)...)
	copy(hashed[2:], hashOf("not a SHA-256 at all, and it doesn't matter"))
	p := fixedPeer(1, "")
	p.Id = hashed
	p.Record = must(must(record.Seal(&peer.PeerRecord{PeerID: peer.ID(hashed), Seq: 1}, key)).Marshal())
	if info, err := ParsePeer(p); err == nil {
		t.Errorf("believed: %+v", info)
	}
}

// The ID of a peer with an RSA key doesn't hold it; its signed record does.
func TestPeerWithHashedKey(t *testing.T) {
	t.Parallel()
	key, _, err := crypto.GenerateRSAKeyPair(2048, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := must(peer.IDFromPrivateKey(key))
	envelope := must(record.Seal(peer.PeerRecordFromAddrInfo(peer.AddrInfo{ID: id, Addrs: []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.1/tcp/1")}}), key))
	p := must(signed.Describe(key, RingAddress{Host: "localhost", Port: "1"}, envelope))
	if _, err := ParsePeer(p); err != nil {
		t.Fatal(err)
	}
	p.Record = nil
	if _, err := ParsePeer(p); err == nil {
		t.Error("believed without the key")
	}
}

// MakePeer tells the host's present addresses, and what it tells goes into another's address book.
func TestMakePeer(t *testing.T) {
	t.Parallel()
	h, other := newHost(t), newHost(t)
	address := RingAddress{Host: "localhost", Port: "8001"}
	first := must(ParsePeer(must(MakePeer(h, address))))
	if first.ID != h.ID() || first.RingAddress != address || len(first.Addrs) != len(h.Addrs()) {
		t.Fatalf("it says %+v, the host has %v", first, h.Addrs())
	}
	if err := h.Network().Listen(ma.StringCast("/ip4/127.0.0.1/tcp/0")); err != nil {
		t.Fatal(err)
	}
	var second PeerInfo
	eventually(t, "the second address", func() bool {
		second = must(ParsePeer(must(MakePeer(h, address))))
		return len(second.Addrs) == 2
	})
	if second.Seq <= first.Seq {
		t.Errorf("the newer record has number %d after %d", second.Seq, first.Seq)
	}
	book, ok := peerstore.GetCertifiedAddrBook(other.Peerstore())
	if !ok {
		t.Fatal("no certified address book")
	}
	if accepted, err := book.ConsumePeerRecord(second.Envelope, peerstore.TempAddrTTL); err != nil || !accepted {
		t.Errorf("the record is not accepted: %v", err)
	}
	if _, err := MakePeer(h, RingAddress{Host: "a b", Port: "1"}); err == nil {
		t.Error("a bad ring address is signed")
	}
}

// manyAddrs describes the peer of fixedKey(n) with so many addresses.
func manyAddrs(n byte, addrs int) *pb.Peer {
	r := &peer.PeerRecord{PeerID: fixedID(n), Seq: 7}
	for i := range addrs {
		r.Addrs = append(r.Addrs, ma.StringCast(fmt.Sprintf("/ip4/192.0.2.1/tcp/%d", i+1)))
	}
	return must(signed.Describe(fixedKey(n), RingAddress{Host: "localhost", Port: "8001"}, must(record.Seal(r, fixedKey(n)))))
}

// Of a peer no more is kept than peers need, however much it says.
func TestPeerIsCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		addrs, kept      int
		passedOn, record bool
	}{{16, 16, true, true}, {17, 16, true, false}, {300, 16, false, false}} {
		info := must(ParsePeer(manyAddrs(3, c.addrs)))
		if len(info.Addrs) != c.kept || (info.Envelope != nil) != c.record || (len(info.Message.GetRecord()) > 0) != c.passedOn {
			t.Errorf("of %d addresses: %d kept, envelope %t, record passed on %t", c.addrs, len(info.Addrs), info.Envelope != nil, len(info.Message.GetRecord()) > 0)
		}
		if n := proto.Size(info.Message); n > MaxKeptPeer {
			t.Errorf("of %d addresses: %d bytes are kept", c.addrs, n)
		}
		again, err := ParsePeer(info.Message)
		if err != nil || again.Position != info.Position {
			t.Errorf("what is passed on of %d addresses: %+v, %v", c.addrs, again, err)
		}
	}
}

// The statement signature binds a ring address to the record beside it.
func TestStatementSignature(t *testing.T) {
	t.Parallel()
	old, moved := fixedPeer(1, "localhost:8001"), fixedPeer(1, "localhost:8002")
	moved.Record = must(must(record.Seal(&peer.PeerRecord{PeerID: fixedID(1), Seq: 8}, fixedKey(1))).Marshal())
	if _, err := ParsePeer(moved); err == nil {
		t.Error("a record that the statement was not signed with is believed")
	}
	combined := &pb.Peer{
		Id: old.Id, RingAddress: old.RingAddress, RingHostLength: old.RingHostLength, RingSignature: old.RingSignature,
		Record: moved.Record, StatementSignature: moved.StatementSignature,
	}
	if info, err := ParsePeer(combined); err == nil {
		t.Errorf("an old ring address joined to another record is believed: %+v", info)
	}
	// A peer that doesn't know the signature leaves it out. What it says is not bound.
	combined.StatementSignature = nil
	if info, err := ParsePeer(combined); err != nil || info.Bound {
		t.Errorf("without the signature: %+v, %v", info, err)
	}
	if info := must(ParsePeer(old)); !info.Bound {
		t.Error("what a peer says of itself is not bound")
	}
}

func TestDescribePeer(t *testing.T) {
	t.Parallel()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	address := RingAddress{Host: "example.org", Port: "1"}
	info := must(ParsePeer(must(DescribePeer(key, address))))
	if info.RingAddress != address || info.Envelope != nil || info.Position.Key != address.Key() {
		t.Errorf("it is described as %+v", info)
	}
}
