package protocol

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

// refusedVector is a Record or a Peer that breaks one rule.
type refusedVector struct {
	Why     string `json:"why"`
	Message string `json:"message"` // "Record" or "Peer"
	Encoded string `json:"encoded"` // hex
}

func refusedVectors() []refusedVector {
	var all []refusedVector
	add := func(why string, m proto.Message) {
		all = append(all, refusedVector{why, string(m.ProtoReflect().Descriptor().Name()), hex.EncodeToString(must(proto.Marshal(m)))})
	}
	for _, why := range slices.Sorted(maps.Keys(recordBreaches())) {
		add(why, signedAnyway(recordBreaches()[why].body()))
	}
	for name := range badNames() {
		// protobuf's strings are UTF-8
		if body := oneBlock(); strings.ToValidUTF8(name, "") == name {
			body.Name = name
			add("name "+firstBytes(name), signedAnyway(body))
		}
	}
	for _, why := range slices.Sorted(maps.Keys(recordForgeries())) {
		r := exampleRecord(oneBlock())
		recordForgeries()[why](r)
		add(why, r)
	}
	keyless := must(Sign(keptKey("rsa"), oneBlock()))
	keyless.PublicKey = nil
	add("no public key, of a writer whose ID does not hold it", keyless)

	for _, why := range slices.Sorted(maps.Keys(peerLies())) {
		p := fixedPeer(1, "localhost:8001")
		peerLies()[why](p)
		if !strings.Contains(why, "statement") {
			p.StatementSignature = nil // so that nothing but this lie is wrong
		}
		add(why, p)
	}
	for _, host := range []string{"a b", "a\u00a0b", "a\u1680b", "a\u2003b", "a\u2028b", "a\u202fb", "a\u205fb", "a\u3000b", "a\u0085b", "a\tb", "a/b", "a[b", "a]b", "a\x7fb", strings.Repeat("x", 254)} {
		add("ring host "+firstBytes(host), placed(host, "8001"))
	}
	for _, port := range []string{"0", "08001", "65536", "+80", "", "8o"} {
		add("ring port "+firstBytes(port), placed("localhost", port))
	}
	keylessPeer := must(signed.Describe(keptKey("rsa"), RingAddress{Host: "localhost", Port: "8001"}, fixedEnvelope(1, 1)))
	keylessPeer.Record, keylessPeer.StatementSignature = nil, nil
	add("a Peer whose ID does not hold its key, without a record", keylessPeer)
	slices.SortStableFunc(all, func(a, b refusedVector) int {
		return cmp.Or(cmp.Compare(a.Message, b.Message), cmp.Compare(a.Why, b.Why))
	})
	return all
}

// firstBytes quotes what may be long.
func firstBytes(s string) string {
	q := string(must(json.Marshal(s)))
	if len(q) > 40 {
		return q[:20] + "..., " + big.NewInt(int64(len(s))).String() + " bytes"
	}
	return q
}

// signedAnyway is a record with a good signature over a body that breaks a rule.
func signedAnyway(body *pb.RecordBody) *pb.Record {
	encoded := must(proto.MarshalOptions{Deterministic: true}.Marshal(body))
	return &pb.Record{Body: encoded, Signature: must(fixedKey(1).Sign(signed.Text(signed.RecordDomain, encoded)))}
}

// placed is a Peer with a good signature over a ring address that breaks a rule.
func placed(host, port string) *pb.Peer {
	p := fixedPeer(1, "localhost:8001")
	p.RingAddress, p.RingHostLength = host+port, uint32(len(host))
	p.RingSignature = must(fixedKey(1).Sign(signed.Text(signed.RingAddressDomain, []byte(RingAddress{Host: host, Port: port}.String()))))
	p.StatementSignature = nil
	return p
}

func TestRefusedVectors(t *testing.T) {
	t.Parallel()
	for _, v := range readVectors[refusedVector](t, refusedFile) {
		encoded := must(hex.DecodeString(v.Encoded))
		var err error
		switch v.Message {
		case "Record":
			r := new(pb.Record)
			if err = proto.Unmarshal(encoded, r); err == nil {
				_, err = VerifyRecord(r)
			}
		case "Peer":
			p := new(pb.Peer)
			if err = proto.Unmarshal(encoded, p); err == nil {
				_, err = ParsePeer(p)
			}
		default:
			t.Errorf("%s: a %s", v.Why, v.Message)
		}
		if err == nil {
			t.Errorf("a %s is accepted: %s", v.Message, v.Why)
		}
	}
}

// nameVector is a name, in hex because not all are UTF-8.
type nameVector struct {
	Hex   string `json:"hex"`
	Valid bool   `json:"valid"`
}

func nameVectors() []nameVector {
	var all []nameVector
	for _, name := range goodNames() {
		all = append(all, nameVector{hex.EncodeToString([]byte(name)), true})
	}
	for _, name := range slices.Sorted(maps.Keys(badNames())) {
		all = append(all, nameVector{hex.EncodeToString([]byte(name)), false})
	}
	return all
}

// sumVector is what is held under some keys, and the sums of SPEC.md's section 12.
type sumVector struct {
	Name    string      `json:"name"`
	Items   []summed    `json:"items"`
	Buckets []bucketSum `json:"buckets"` // those that are not 0
	Rows    []bucketSum `json:"rows"`    // likewise
	Arcs    []arcSum    `json:"arcs"`
}

type summed struct {
	Name  string `json:"name"`
	Index uint32 `json:"index"`
	Stamp string `json:"stamp"` // hex
	Key   uint16 `json:"key"`
	Input string `json:"input"` // hex: what H hashes
	H     string `json:"h"`     // hex
}

type bucketSum struct {
	At  uint16 `json:"at"` // key, or row
	Sum string `json:"sum"`
}

type arcSum struct {
	First uint16 `json:"first"`
	Last  uint16 `json:"last"`
	Sum   string `json:"sum"`
}

func sumVectors() []sumVector {
	one := []summed{summedItem("hello.txt", 0, StampOfVersion(testClock, fixedID(1)))}
	many := slices.Clone(one)
	// Names with one key, so that the sum of one bucket runs over 2^128; two versions of one file;
	// later blocks.
	for _, name := range []string{"hello.txt", "f-61547", "f-274783", "f-303024", "f-331976", "日本語.txt"} {
		many = append(many, summedItem(name, 0, StampOfVersion(testClock+1, fixedID(2))))
	}
	for i := uint32(1); i < 4; i++ {
		many = append(many, summedItem("large.bin", i, string(hashOf(string(rune('a'+i))))))
	}
	for i := range byte(6) {
		many = append(many, summedItem("many versions", 0, StampOfVersion(testClock+uint64(i), fixedID(1))))
	}
	return []sumVector{{Name: "nothing", Items: []summed{}, Buckets: []bucketSum{}, Rows: []bucketSum{}, Arcs: []arcSum{
		{0, 65535, strings.Repeat("0", 32)}, {7, 6, strings.Repeat("0", 32)},
	}}, allSums("one record", one), allSums("several records", many)}
}

func summedItem(name string, index uint32, stamp string) summed {
	key := uint16(Place(name, index))
	input := binary.BigEndian.AppendUint16(nil, key)
	input = binary.BigEndian.AppendUint32(input, index)
	input = binary.BigEndian.AppendUint16(input, uint16(len(name)))
	input = append(append(input, name...), stamp...)
	h := blake3sum.Sum(input)
	return summed{name, index, hex.EncodeToString([]byte(stamp)), key, hex.EncodeToString(input), hex.EncodeToString(h[:SumSize])}
}

func allSums(name string, items []summed) sumVector {
	add := func(in func(key uint16) bool) string {
		total := new(big.Int)
		for _, i := range items {
			if in(i.Key) {
				total.Add(total, new(big.Int).SetBytes(must(hex.DecodeString(i.H))))
			}
		}
		total.Mod(total, new(big.Int).Lsh(big.NewInt(1), 128))
		return hex.EncodeToString(total.FillBytes(make([]byte, SumSize)))
	}
	v := sumVector{Name: name, Items: items}
	keys, rows := map[uint16]bool{}, map[uint16]bool{}
	for _, i := range items {
		keys[i.Key], rows[i.Key>>8] = true, true
	}
	ordered := slices.Sorted(maps.Keys(keys))
	for _, k := range ordered {
		v.Buckets = append(v.Buckets, bucketSum{k, add(func(key uint16) bool { return key == k })})
	}
	for _, r := range slices.Sorted(maps.Keys(rows)) {
		v.Rows = append(v.Rows, bucketSum{r, add(func(key uint16) bool { return key>>8 == r })})
	}
	first, last := ordered[0], ordered[len(ordered)-1]
	v.Arcs = []arcSum{
		{0, 65535, add(func(uint16) bool { return true })},
		{first, first, add(func(k uint16) bool { return k == first })},
		{last, first, add(func(k uint16) bool { return k >= last || k <= first })}, // wraps
		{first + 1, last, add(func(k uint16) bool { return k > first && k <= last })},
	}
	if first == last {
		v.Arcs = v.Arcs[:2]
	}
	return v
}

// ancestorVector is a version and what one that replaces it names.
type ancestorVector struct {
	Name string `json:"name"`
	// a RecordBody's clock, writer, ancestors and floor
	Replaced  json.RawMessage   `json:"replaced"`
	Ancestors []json.RawMessage `json:"ancestors"` // of the version that replaces it
	Floor     uint64            `json:"floor,string"`
}

func ancestorVectors() []ancestorVector {
	chain := func(n int, floor uint64) *pb.RecordBody {
		b := &pb.RecordBody{Clock: testClock, Writer: []byte(fixedID(1)), Floor: floor}
		for i := range uint64(n) {
			b.Ancestors = append(b.Ancestors, &pb.Version{Clock: testClock - 10*(i+1), Writer: []byte(fixedID(2))})
		}
		return b
	}
	return []ancestorVector{
		replacing("the first overwrite", chain(0, 0)),
		replacing("16 in all", chain(15, 0)),
		replacing("17 in all: the last is covered by the floor", chain(16, 0)),
		replacing("a floor is kept", chain(3, testClock-500)),
		replacing("a floor rises", chain(16, testClock-500)),
		replacing("a floor above what is left out is kept", chain(16, testClock-155)),
	}
}

// replacing follows SPEC.md's section 5 to the letter; package node has the same vectors for what
// it does.
func replacing(name string, replaced *pb.RecordBody) ancestorVector {
	all := append([]*pb.Version{{Clock: replaced.Clock, Writer: replaced.Writer}}, replaced.Ancestors...)
	floor := replaced.Floor
	if len(all) > MaxAncestors {
		floor = max(floor, all[MaxAncestors].Clock)
		all = all[:MaxAncestors]
	}
	v := ancestorVector{Name: name, Replaced: fieldsOf(replaced), Floor: floor}
	for _, a := range all {
		v.Ancestors = append(v.Ancestors, fieldsOf(a))
	}
	return v
}

// A sum runs over 2^128 in the vectors, or they would not tell addition from addition with
// saturation.
func TestSumVectorsOverflow(t *testing.T) {
	t.Parallel()
	v := sumVectors()[2]
	total := new(big.Int)
	for _, i := range v.Items {
		total.Add(total, new(big.Int).SetBytes(must(hex.DecodeString(i.H))))
	}
	if total.BitLen() <= 128 {
		t.Error("the sum of all is below 2^128")
	}
	if len(v.Buckets) >= len(v.Items) {
		t.Error("no bucket has two records")
	}
	if bytes.Equal(must(hex.DecodeString(v.Arcs[0].Sum)), make([]byte, SumSize)) {
		t.Error("the sum of all is 0")
	}
}
