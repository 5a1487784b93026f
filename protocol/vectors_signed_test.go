package protocol

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	peerpb "github.com/libp2p/go-libp2p/core/peer/pb"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

// keptKey is the private key of keys.json with this name, which is that of its type.
func keptKey(name string) crypto.PrivKey {
	var kept map[string]string
	if err := json.Unmarshal(must(os.ReadFile(keysFile)), &kept); err != nil {
		panic(err)
	}
	return must(crypto.UnmarshalPrivateKey(must(hex.DecodeString(kept[name]))))
}

// withKey notes whose key a vector is signed with.
func (v signedVector) withKey(key crypto.PrivKey, seed byte) signedVector {
	if seed > 0 {
		v.Seed = hex.EncodeToString(bytes.Repeat([]byte{seed}, 32))
	} else {
		v.Private = hex.EncodeToString(must(crypto.MarshalPrivateKey(key)))
	}
	return v
}

func recordVectors() []signedVector {
	ed := fixedKey(1)
	all := []signedVector{
		recordVector("a file of one block", must(Sign(ed, oneBlock()))).withKey(ed, 1),
		recordVector("a file of three blocks, replacing another version", must(Sign(ed, threeBlocks()))).withKey(ed, 1),
		recordVector("the third block of a file", must(Sign(ed, blockBody()))).withKey(ed, 1),
		recordVector("a deleted file", must(Sign(ed, tombstone()))).withKey(ed, 1),
		recordVector("an empty file", must(Sign(ed, emptyFile()))).withKey(ed, 1),
		recordVector("a file with 16 ancestors, and a floor for those before", must(Sign(ed, manyAncestors()))).withKey(ed, 1),
		recordVector("a file with a mode, and a time to the nanosecond", must(Sign(ed, withAttributes(time.Date(2026, 1, 2, 3, 4, 5, 6_789_012, time.UTC))))).withKey(ed, 1),
		recordVector("a file whose time is before 1970", must(Sign(ed, withAttributes(time.Date(1969, 7, 20, 20, 17, 40, 123_456_789, time.UTC))))).withKey(ed, 1),
		recordVector("an encrypted file, of three blocks", must(Sign(ed, encrypted()))).withKey(ed, 1),
		recordVector("a file with a field of a later version inside the signed bytes", fromTheFuture()).withKey(ed, 1),
	}
	for _, name := range []string{"rsa", "secp256k1"} {
		key := keptKey(name)
		all = append(all, recordVector("a file whose writer has a key of type "+name, must(Sign(key, oneBlock()))).withKey(key, 0))
	}
	return all
}

func recordVector(name string, message *pb.Record) signedVector {
	r := must(VerifyRecord(message))
	v := signedVector{
		Name: name, PeerID: r.By.String(), Fields: fieldsOf(r.RecordBody),
		Signed: hex.EncodeToString(signed.Text(signed.RecordDomain, message.Body)), Signature: hex.EncodeToString(message.Signature),
		Encoded: hex.EncodeToString(must(proto.Marshal(message))), Key: uint16(r.Key()), Stamp: hex.EncodeToString([]byte(StampOf(r))),
	}
	if r.BlockSize() > 0 {
		v.CID = CID(r.BlockHash()).String()
	}
	return v
}

// withAttributes is a file that tells its mode and a time.
func withAttributes(modified time.Time) *pb.RecordBody {
	b := oneBlock()
	b.Mode = 0o750
	SetModified(b, modified)
	return b
}

// manyAncestors is a version that replaces one that has replaced 17 others.
func manyAncestors() *pb.RecordBody {
	b := oneBlock()
	b.Name = "often.txt"
	for i := range uint64(MaxAncestors) {
		b.Ancestors = append(b.Ancestors, &pb.Version{Clock: testClock - 1 - i, Writer: []byte(fixedID(byte(1 + i%2)))})
	}
	b.Floor = testClock - 1 - MaxAncestors
	return b
}

// fromTheFuture is a record whose body has a field that nobody knows yet.
func fromTheFuture() *pb.Record {
	body := must(Sign(fixedKey(1), oneBlock())).Body
	body = protowire.AppendTag(body, 99, protowire.BytesType)
	body = protowire.AppendString(body, "from the future")
	return &pb.Record{Body: body, Signature: must(fixedKey(1).Sign(signed.Text(signed.RecordDomain, body)))}
}

func peerVectors() []signedVector {
	var all []signedVector
	for n, address := range []string{"localhost:8001", "", "[::1]:8001"} {
		all = append(all, peerVector("ring address "+address, fixedPeer(byte(n+1), address)).withKey(nil, byte(n+1)))
	}
	// Zero-width space is no white space in Unicode.
	all = append(all, peerVector("ring address with U+200B", fixedPeer(1, "a\u200bb:8001")).withKey(nil, 1))
	bare := fixedPeer(1, "localhost:8001")
	bare.Record = nil
	all = append(all, peerVector("no signed peer record", bare).withKey(nil, 1))

	older := fixedPeer(1, "localhost:8001")
	older.StatementSignature = nil
	all = append(all, peerVector("no statement signature, from an older peer", older).withKey(nil, 1))

	odd := must(signed.Describe(fixedKey(1), RingAddress{Host: "localhost", Port: "8001"}, must(record.Seal(&oddRecord{fixedID(1)}, fixedKey(1)))))
	all = append(all, peerVector("a signed peer record with addresses that can't be read", odd).withKey(nil, 1))

	for _, name := range []string{"rsa", "secp256k1"} {
		key := keptKey(name)
		self := peer.AddrInfo{ID: must(peer.IDFromPrivateKey(key)), Addrs: []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.1/tcp/4001")}}
		content := peer.PeerRecordFromAddrInfo(self)
		content.Seq = 7
		p := must(signed.Describe(key, RingAddress{Host: "localhost", Port: "8001"}, must(record.Seal(content, key))))
		all = append(all, peerVector("a key of type "+name, p).withKey(key, 0))
	}
	return all
}

func peerVector(name string, p *pb.Peer) signedVector {
	info := must(ParsePeer(p))
	v := signedVector{
		Name: name, PeerID: info.ID.String(), Fields: fieldsOf(p),
		Signed:    hex.EncodeToString(signed.Text(signed.RingAddressDomain, []byte(info.RingAddress.String()))),
		Signature: hex.EncodeToString(p.RingSignature), Encoded: hex.EncodeToString(must(proto.Marshal(p))), Key: uint16(info.Position.Key),
	}
	for _, a := range info.Addrs {
		v.Addrs = append(v.Addrs, a.String())
	}
	return v
}

// oddRecord is a peer record of which only the second address can be read: the first is of a
// protocol that nobody knows, the third is empty.
type oddRecord struct{ id peer.ID }

func (*oddRecord) Domain() string               { return peer.PeerRecordEnvelopeDomain }
func (*oddRecord) Codec() []byte                { return peer.PeerRecordEnvelopePayloadType }
func (*oddRecord) UnmarshalRecord([]byte) error { return nil }
func (r *oddRecord) MarshalRecord() ([]byte, error) {
	unknown := protowire.AppendVarint(nil, 0x300001) // a number for private use
	return proto.Marshal(&peerpb.PeerRecord{
		PeerId: []byte(r.id), Seq: 7,
		Addresses: []*peerpb.PeerRecord_AddressInfo{
			{Multiaddr: slices.Concat(unknown, []byte{1, 2, 3})},
			{Multiaddr: ma.StringCast("/ip4/192.0.2.1/tcp/4001").Bytes()},
			{},
		},
	})
}
