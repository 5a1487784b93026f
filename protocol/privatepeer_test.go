package protocol

import (
	"bytes"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/internal/check"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

// The descriptions of members of a private ring, and those that it refuses.
const privatePeersFile = "testdata/private-peers.json"

// privatePeerVector is a Peer for the ring of a network.
type privatePeerVector struct {
	Network string `json:"network"` // hex
	signedVector
	Refused string `json:"refused,omitempty"` // why it is refused there
}

// fixedNetwork is a network that nobody has made.
func fixedNetwork(n byte) statement.NetworkID {
	return statement.NetworkID(bytes.Repeat([]byte{n}, statement.HashSize))
}

// numberedEnvelope is a peer record of fixedKey(n) with a number and so many addresses.
func numberedEnvelope(n byte, seq uint64, addrs int) *record.Envelope {
	r := &peer.PeerRecord{PeerID: fixedID(n), Seq: seq}
	for i := range addrs {
		r.Addrs = append(r.Addrs, ma.StringCast("/ip4/192.0.2.1/tcp/"+string(rune('1'+i%9))))
	}
	return must(record.Seal(r, fixedKey(n)))
}

// fixedPrivatePeer is the description of fixedKey(n) in fixedNetwork(7).
func fixedPrivatePeer(n byte, address string) *pb.Peer {
	return must(signed.DescribeIn(fixedNetwork(7), fixedKey(n), must(ParseRingAddress(address)), fixedEnvelope(n, n)))
}

func TestParsePeerIn(t *testing.T) {
	t.Parallel()
	p := fixedPrivatePeer(1, "localhost:8001")
	for range 2 { // the second time it is remembered
		info, err := ParsePeerIn(fixedNetwork(7), p)
		if err != nil {
			t.Fatal(err)
		}
		if info.ID != fixedID(1) || info.Position.Key != 58795 || len(info.Addrs) != 2 || info.Seq != 7 || info.Envelope == nil || !info.Bound || info.Message != p {
			t.Errorf("parsed as %+v", info)
		}
		if _, err := ParsePeerIn(fixedNetwork(8), p); fault.CodeOf(err) != fault.Integrity {
			t.Errorf("another network takes it: %v", err)
		}
		if _, err := ParsePeer(p); fault.CodeOf(err) != fault.Integrity {
			t.Errorf("an open ring takes it: %v", err)
		}
		if _, err := ParsePeerIn(fixedNetwork(7), fixedPeer(1, "localhost:8001")); fault.CodeOf(err) != fault.Integrity {
			t.Errorf("a private ring takes the description of an open one: %v", err)
		}
	}
	if _, err := DescribePeerIn(fixedNetwork(7), fixedKey(1), RingAddress{}); err == nil {
		t.Error("a peer describes itself without a place")
	}
	bare := must(DescribePeerIn(fixedNetwork(7), fixedKey(1), RingAddress{Host: "localhost", Port: "8001"}))
	if info, err := ParsePeerIn(fixedNetwork(7), bare); err != nil || info.Envelope != nil || info.Position.Key != 58795 {
		t.Errorf("without addresses it is parsed as %+v, %v", info, err)
	}
}

// privatePeerLies spoil fixedPrivatePeer(1, "localhost:8001").
func privatePeerLies() map[string]func(*pb.Peer) {
	other, older := fixedPrivatePeer(2, "localhost:8002"), must(signed.DescribeIn(fixedNetwork(7), fixedKey(1), must(ParseRingAddress("localhost:8003")), numberedEnvelope(1, 6, 1)))
	return map[string]func(*pb.Peer){
		"another's ID":                               func(p *pb.Peer) { p.Id = other.Id },
		"no ID":                                      func(p *pb.Peer) { p.Id = nil },
		"no network":                                 func(p *pb.Peer) { p.Network = nil },
		"another network":                            func(p *pb.Peer) { p.Network[31]++ },
		"a short network":                            func(p *pb.Peer) { p.Network = p.Network[:31] },
		"no signature":                               func(p *pb.Peer) { p.NetworkSignature = nil },
		"a spoiled signature":                        func(p *pb.Peer) { p.NetworkSignature[0]++ },
		"another's signature":                        func(p *pb.Peer) { p.NetworkSignature = other.NetworkSignature },
		"another place":                              func(p *pb.Peer) { p.RingAddress = "localhost8002" },
		"host and port cut elsewhere":                func(p *pb.Peer) { p.RingHostLength++ },
		"the place of an older description":          func(p *pb.Peer) { p.RingAddress = older.RingAddress },
		"the record of an older description":         func(p *pb.Peer) { p.Record = older.Record },
		"the place and signature of an older one":    func(p *pb.Peer) { p.RingAddress, p.NetworkSignature = older.RingAddress, older.NetworkSignature },
		"its record left out":                        func(p *pb.Peer) { p.Record = nil },
		"another's record":                           func(p *pb.Peer) { p.Record = other.Record },
		"more than is kept":                          func(p *pb.Peer) { p.Record = append(p.Record, make([]byte, MaxKeptPeer)...) },
		"the signature of an open ring in its place": func(p *pb.Peer) { p.NetworkSignature = fixedPeer(1, "localhost:8001").StatementSignature },
		"no place, rightly signed": func(p *pb.Peer) {
			text := slices.Concat([]byte(signed.PrivatePeerDomain), p.Network, []byte{0, 0, 0, 0, 0, 0, 0, 7, 0, 0}, p.Record)
			p.RingAddress, p.RingHostLength, p.NetworkSignature = "", 0, must(fixedKey(1).Sign(text))
		},
	}
}

func privatePeerVectors() []privatePeerVector {
	of := func(n byte, name string, p *pb.Peer, refused string) privatePeerVector {
		info, err := ParsePeerIn(fixedNetwork(7), p)
		if (err != nil) != (refused != "") {
			panic(name)
		}
		id := fixedID(n)
		v := privatePeerVector{Network: hex.EncodeToString(bytes.Repeat([]byte{7}, 32)), Refused: refused, signedVector: signedVector{
			Name: name, PeerID: id.String(), Fields: fieldsOf(p), Encoded: hex.EncodeToString(must(proto.Marshal(p))),
		}.withKey(nil, n)}
		if err == nil {
			place := info.RingAddress.String()
			text := slices.Concat([]byte(signed.PrivatePeerDomain), p.Network, []byte{0, 0, 0, 0, 0, 0, 0, byte(info.Seq), 0, byte(len(place))}, []byte(place), p.Record)
			v.Key, v.Signed, v.Signature = uint16(info.Position.Key), hex.EncodeToString(text), hex.EncodeToString(p.NetworkSignature)
			for _, a := range info.Addrs {
				v.Addrs = append(v.Addrs, a.String())
			}
		}
		return v
	}
	all := []privatePeerVector{
		of(1, "place localhost:8001", fixedPrivatePeer(1, "localhost:8001"), ""),
		of(2, "place [::1]:8001", fixedPrivatePeer(2, "[::1]:8001"), ""),
		of(3, "a place of random letters", fixedPrivatePeer(3, "k7qf2m9dxw4thr6a:1"), ""),
		of(1, "no signed peer record", must(DescribePeerIn(fixedNetwork(7), fixedKey(1), RingAddress{Host: "localhost", Port: "8001"})), ""),
		of(1, "of an open ring", fixedPeer(1, "localhost:8001"), "of an open ring"),
	}
	for _, why := range slices.Sorted(maps.Keys(privatePeerLies())) {
		p := fixedPrivatePeer(1, "localhost:8001")
		privatePeerLies()[why](p)
		all = append(all, of(1, why, p, why))
	}
	return all
}

func TestPrivatePeerVectors(t *testing.T) {
	t.Parallel()
	compareVectors(t, privatePeersFile, privatePeerVectors())
	for _, v := range readVectors[privatePeerVector](t, privatePeersFile) {
		p := new(pb.Peer)
		if err := proto.Unmarshal(must(hex.DecodeString(v.Encoded)), p); err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		_, err := ParsePeerIn(statement.NetworkID(must(hex.DecodeString(v.Network))), p)
		if (err == nil) != (v.Refused == "") {
			t.Errorf("%s: %v", v.Name, err)
		}
		if _, err := ParsePeer(p); err == nil && !strings.Contains(v.Name, "of an open ring") {
			t.Errorf("%s: an open ring takes it", v.Name)
		}
	}
}

// Nothing that is left of a description when its end is cut off is one.
func TestTruncatedPrivatePeer(t *testing.T) {
	t.Parallel()
	whole := must(proto.Marshal(fixedPrivatePeer(1, "localhost:8001")))
	for n := range len(whole) {
		p := new(pb.Peer)
		if proto.Unmarshal(whole[:n], p) != nil {
			continue
		}
		if _, err := ParsePeerIn(fixedNetwork(7), p); err == nil {
			t.Errorf("%d bytes of %d are accepted", n, len(whole))
		}
	}
}

// Who describes itself in a request must belong to the ring that it asks.
func TestSenderOfPrivateRing(t *testing.T) {
	t.Parallel()
	open, private := check.Asker{ID: fixedID(1)}, check.Asker{ID: fixedID(1), Network: fixedNetwork(7)}
	foreign := check.Asker{ID: fixedID(1), Network: fixedNetwork(8)}
	for _, c := range []struct {
		name  string
		asker check.Asker
		from  *pb.Peer
		ok    bool
	}{
		{"open to open", open, fixedPeer(1, "localhost:8001"), true},
		{"private to private", private, fixedPrivatePeer(1, "localhost:8001"), true},
		{"open to private", private, fixedPeer(1, "localhost:8001"), false},
		{"private to open", open, fixedPrivatePeer(1, "localhost:8001"), false},
		{"private to another private", foreign, fixedPrivatePeer(1, "localhost:8001"), false},
		{"for another", private, fixedPrivatePeer(2, "localhost:8001"), false},
	} {
		for kind, err := range map[string]error{
			"notify":     check.RingRequest(c.asker, &pb.RingRequest{Body: &pb.RingRequest_Notify{Notify: &pb.Notify{From: c.from}}}),
			"neighbours": check.RingRequest(c.asker, &pb.RingRequest{Body: &pb.RingRequest_Neighbours{Neighbours: &pb.GetNeighbours{From: c.from}}}),
			"depart":     check.RingRequest(c.asker, &pb.RingRequest{Body: &pb.RingRequest_Depart{Depart: &pb.Depart{From: &pb.Neighbours{Self: c.from}}}}),
			"grant":      check.FileRequest(c.asker, &pb.FileRequest{Body: &pb.FileRequest_Grant{Grant: &pb.GetGrant{From: c.from}}}),
			"register":   check.BootstrapRequest(c.asker, &pb.BootstrapRequest{Body: &pb.BootstrapRequest_Register{Register: &pb.Register{Self: c.from}}}),
			"heartbeat":  check.BootstrapRequest(c.asker, &pb.BootstrapRequest{Body: &pb.BootstrapRequest_Heartbeat{Heartbeat: &pb.Heartbeat{Self: c.from}}}),
		} {
			if (err == nil) != c.ok {
				t.Errorf("%s, %s: %v", c.name, kind, err)
			}
			if err != nil && fault.CodeOf(err) != fault.NotAllowed {
				t.Errorf("%s, %s: the status is %s, want %s", c.name, kind, fault.CodeOf(err), fault.NotAllowed)
			}
		}
	}
}
