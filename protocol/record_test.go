package protocol

import (
	"bytes"
	"crypto/rand"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

const testClock = 1_790_000_000_000 << 16

func hashOf(s string) []byte {
	sum := blake3sum.Sum([]byte(s))
	return sum[:]
}

// oneBlock is the body of a valid record of a file of one block.
func oneBlock() *pb.RecordBody {
	return &pb.RecordBody{
		Name: "hello.txt", Clock: testClock, Size: 5, Hash: hashOf("hello"), BlockSize: 8 << 20, Blocks: hashOf("hello"),
		Copies: 3, Modified: 1_790_000_000_000, Writer: []byte(fixedID(1)),
	}
}

// threeBlocks is that of a file of three blocks, the last with one byte.
func threeBlocks() *pb.RecordBody {
	b := oneBlock()
	b.Name, b.Size, b.BlockSize = "large.bin", 2*MinBlockSize+1, MinBlockSize
	b.Hash, b.Blocks = hashOf("all"), append(append(hashOf("a"), hashOf("b")...), hashOf("c")...)
	b.Ancestors = []*pb.Version{
		{Clock: testClock - 1, Writer: []byte(fixedID(2))},
		{Clock: testClock - 5, Writer: []byte(fixedID(2))},
	}
	b.Floor = testClock - 9
	return b
}

func blockBody() *pb.RecordBody {
	return &pb.RecordBody{Name: "large.bin", Index: 2, Clock: testClock, Size: 1, Hash: hashOf("c"), Writer: []byte(fixedID(1))}
}

func tombstone() *pb.RecordBody {
	return &pb.RecordBody{
		Name: "hello.txt", Clock: testClock + 1, Deleted: true, Writer: []byte(fixedID(1)),
		Ancestors: []*pb.Version{{Clock: testClock, Writer: []byte(fixedID(1))}},
	}
}

func emptyFile() *pb.RecordBody {
	return &pb.RecordBody{Name: "empty", Clock: testClock, Hash: hashOf(""), Writer: []byte(fixedID(1))}
}

func sign(t testing.TB, body *pb.RecordBody) *pb.Record {
	t.Helper()
	r, err := Sign(fixedKey(1), body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body   *pb.RecordBody
		blocks int
		own    int // bytes that go with the record
		hash   []byte
	}{
		{oneBlock(), 1, 5, hashOf("hello")},
		{threeBlocks(), 3, MinBlockSize, hashOf("a")},
		{blockBody(), 0, 1, hashOf("c")},
		{tombstone(), 0, 0, make([]byte, 32)},
		{emptyFile(), 0, 0, make([]byte, 32)},
	} {
		message := sign(t, c.body)
		r, err := VerifyRecord(message)
		if err != nil {
			t.Fatalf("%s: %v", c.body.Name, err)
		}
		if !proto.Equal(r.RecordBody, c.body) || r.By != fixedID(1) || r.Message != message || r.Key() != Place(c.body.Name, c.body.Index) {
			t.Errorf("%s: verified as %v", c.body.Name, r.RecordBody)
		}
		if hash := r.BlockHash(); r.BlockCount() != c.blocks || r.BlockSize() != c.own || !bytes.Equal(hash[:], c.hash) {
			t.Errorf("%s: %d blocks, %d bytes of its own, hash %x", c.body.Name, r.BlockCount(), r.BlockSize(), hash)
		}
	}
	r, err := VerifyRecord(sign(t, threeBlocks()))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		of   string
		size int
	}{{"a", MinBlockSize}, {"b", MinBlockSize}, {"c", 1}} {
		if hash, size := r.BlockAt(i); size != want.size || !bytes.Equal(hash[:], hashOf(want.of)) {
			t.Errorf("block %d has %d bytes and hash %x", i, size, hash)
		}
	}
}

// breach is a rule of SPEC.md for the fields of a record, broken.
type breach struct {
	from  func() *pb.RecordBody
	spoil func(*pb.RecordBody)
	says  string
}

func (b breach) body() *pb.RecordBody {
	body := b.from()
	b.spoil(body)
	return body
}

// recordBreaches breaks each of the rules.
func recordBreaches() map[string]breach {
	all := map[string]breach{
		"name":     {oneBlock, func(b *pb.RecordBody) { b.Name = "a/../b" }, "part"},
		"no clock": {oneBlock, func(b *pb.RecordBody) { b.Clock = 0 }, "clock"},
		"clock past the last": {oneBlock, func(b *pb.RecordBody) {
			b.Clock, b.Ancestors = 1<<63, nil
		}, "clock"},
		"clock past the last, far above its ancestor": {threeBlocks, func(b *pb.RecordBody) {
			b.Clock = 1 << 63
			b.Ancestors = []*pb.Version{{Clock: b.Clock - (1000<<16 + 1), Writer: b.Writer}}
		}, "clock"},
		"clock past the room": {threeBlocks, func(b *pb.RecordBody) {
			b.Clock = 1<<63 + 1<<62
			b.Ancestors = []*pb.Version{{Clock: b.Clock - 1, Writer: b.Writer}}
		}, "clock"},
		"clock of a block past the last": {blockBody, func(b *pb.RecordBody) { b.Clock = 1 << 63 }, "clock"},
		"copies":                         {oneBlock, func(b *pb.RecordBody) { b.Copies = 9 }, "copies"},
		"modified":                       {oneBlock, func(b *pb.RecordBody) { b.Modified = 1 << 60 }, "modification"},
		"long before":                    {oneBlock, func(b *pb.RecordBody) { b.Modified, b.ModifiedBeforeEpoch = 0, 1<<60 }, "modification"},
		"before and after":               {oneBlock, func(b *pb.RecordBody) { b.ModifiedBeforeEpoch = 1 }, "modification"},
		"nanoseconds":                    {oneBlock, func(b *pb.RecordBody) { b.ModifiedNanos = 1_000_000 }, "modification"},
		"mode":                           {oneBlock, func(b *pb.RecordBody) { b.Mode = 0o1000 }, "mode"},
		"mode, block":                    {blockBody, func(b *pb.RecordBody) { b.Mode = 0o644 }, "mode"},
		"mode, tombstone":                {tombstone, func(b *pb.RecordBody) { b.Mode = 0o644 }, "mode"},
		"short hash":                     {oneBlock, func(b *pb.RecordBody) { b.Hash = b.Hash[:31] }, "hash"},
		"no hash":                        {oneBlock, func(b *pb.RecordBody) { b.Hash = nil }, "hash"},
		"block size 0":                   {oneBlock, func(b *pb.RecordBody) { b.BlockSize = 0 }, "block size"},
		"block size odd":                 {oneBlock, func(b *pb.RecordBody) { b.BlockSize = 3 << 20 }, "block size"},
		"block size small":               {oneBlock, func(b *pb.RecordBody) { b.BlockSize = 32 << 10 }, "block size"},
		"block size large":               {oneBlock, func(b *pb.RecordBody) { b.BlockSize = 64 << 20 }, "block size"},
		"no blocks":                      {oneBlock, func(b *pb.RecordBody) { b.Blocks = nil }, "block hashes"},
		"half a block hash":              {oneBlock, func(b *pb.RecordBody) { b.Blocks = b.Blocks[:16] }, "block hashes"},
		"other only block":               {oneBlock, func(b *pb.RecordBody) { b.Blocks = hashOf("x") }, "only block"},
		"a block too many":               {threeBlocks, func(b *pb.RecordBody) { b.Size = 2 * MinBlockSize }, "block hashes"},
		"a block too few":                {threeBlocks, func(b *pb.RecordBody) { b.Size = 3*MinBlockSize + 1 }, "block hashes"},
		"size past the most":             {threeBlocks, func(b *pb.RecordBody) { b.Size = 1 << 63 }, "blocks"},
		"size that wraps":                {threeBlocks, func(b *pb.RecordBody) { b.Size = ^uint64(0) }, "blocks"},
		"empty with blocks":              {emptyFile, func(b *pb.RecordBody) { b.Blocks = hashOf("") }, "empty"},
		"empty, other hash":              {emptyFile, func(b *pb.RecordBody) { b.Hash = hashOf("x") }, "empty"},
		"empty, block size":              {emptyFile, func(b *pb.RecordBody) { b.BlockSize = 5 }, "block size"},
		"tombstone, size":                {tombstone, func(b *pb.RecordBody) { b.Size = 1 }, "tombstone"},
		"tombstone, hash":                {tombstone, func(b *pb.RecordBody) { b.Hash = hashOf("") }, "tombstone"},
		"tombstone, blocks":              {tombstone, func(b *pb.RecordBody) { b.Blocks = hashOf("") }, "tombstone"},
		"floor":                          {threeBlocks, func(b *pb.RecordBody) { b.Floor = b.Clock }, "floor"},
		"ancestor upward":                {threeBlocks, func(b *pb.RecordBody) { b.Ancestors[1].Clock = b.Ancestors[0].Clock + 1 }, "go down"},
		"ancestor twice":                 {threeBlocks, func(b *pb.RecordBody) { b.Ancestors[1] = b.Ancestors[0] }, "go down"},
		"ancestor later":                 {threeBlocks, func(b *pb.RecordBody) { b.Ancestors[0].Clock = b.Clock + 1 }, "go down"},
		"own ancestor": {threeBlocks, func(b *pb.RecordBody) {
			b.Ancestors[0] = &pb.Version{Clock: b.Clock, Writer: []byte(fixedID(1))}
		}, "go down"},
		"ancestor by nobody": {threeBlocks, func(b *pb.RecordBody) { b.Ancestors[0].Writer = []byte("nobody") }, "peer ID"},
		"ancestor at 0":      {threeBlocks, func(b *pb.RecordBody) { b.Ancestors[1].Clock = 0 }, "clock"},
		"ancestors": {threeBlocks, func(b *pb.RecordBody) {
			b.Ancestors = nil
			for i := range uint64(17) {
				b.Ancestors = append(b.Ancestors, &pb.Version{Clock: testClock - 1 - i, Writer: b.Writer})
			}
		}, "ancestors"},
		"block past the last": {blockBody, func(b *pb.RecordBody) { b.Index = MaxBlocks }, "past the last"},
		"block of nothing":    {blockBody, func(b *pb.RecordBody) { b.Size = 0 }, "bytes"},
		"block too large":     {blockBody, func(b *pb.RecordBody) { b.Size = MaxBody + 1 }, "bytes"},
		"block, no hash":      {blockBody, func(b *pb.RecordBody) { b.Hash = nil }, "hash"},
		"block, deleted":      {blockBody, func(b *pb.RecordBody) { b.Deleted = true }, "belong to files"},
		"block with blocks":   {blockBody, func(b *pb.RecordBody) { b.Blocks = hashOf("c") }, "belong to files"},
		"block, block size":   {blockBody, func(b *pb.RecordBody) { b.BlockSize = MinBlockSize }, "belong to files"},
		"block, ancestors":    {blockBody, func(b *pb.RecordBody) { b.Ancestors = threeBlocks().Ancestors }, "belong to files"},
		"block, floor":        {blockBody, func(b *pb.RecordBody) { b.Floor = 1 }, "belong to files"},
	}
	maps.Copy(all, sealedBreaches())
	return all
}

func TestRecordRules(t *testing.T) {
	t.Parallel()
	for name, c := range recordBreaches() {
		body := c.body()
		if _, err := Sign(fixedKey(1), body); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: Sign says %v, want words about %q", name, err, c.says)
		}
		encoded, err := proto.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		err = verifySigned(encoded, 1)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: VerifyRecord says %v, want words about %q", name, err, c.says)
			continue
		}
		wantCode(t, err, fault.Integrity)
	}
}

// verifySigned verifies any body under a good signature.
func verifySigned(body []byte, by byte) error {
	signature, err := fixedKey(by).Sign(signed.Text(signed.RecordDomain, body))
	if err != nil {
		return err
	}
	_, err = VerifyRecord(&pb.Record{Body: body, Signature: signature})
	return err
}

// recordForgeries spoil a good record, but for one that is too large.
func recordForgeries() map[string]func(*pb.Record) {
	return map[string]func(*pb.Record){
		"a bit of the signature":   func(r *pb.Record) { r.Signature[3] ^= 1 },
		"no signature":             func(r *pb.Record) { r.Signature = nil },
		"a bit of the body":        func(r *pb.Record) { r.Body[len(r.Body)-1] ^= 1 },
		"no body":                  func(r *pb.Record) { r.Body = nil },
		"half a body":              func(r *pb.Record) { r.Body = r.Body[:len(r.Body)/2] },
		"another's signature":      func(r *pb.Record) { r.Signature, _ = fixedKey(2).Sign(signed.Text(signed.RecordDomain, r.Body)) },
		"a signature for others":   func(r *pb.Record) { r.Signature, _ = fixedKey(1).Sign(r.Body) },
		"its key, needlessly":      func(r *pb.Record) { r.PublicKey, _ = crypto.MarshalPublicKey(fixedKey(1).GetPublic()) },
		"another's key":            func(r *pb.Record) { r.PublicKey, _ = crypto.MarshalPublicKey(fixedKey(2).GetPublic()) },
		"something that isn't one": func(r *pb.Record) { r.PublicKey = []byte{1, 2, 3} },
	}
}

func TestRecordForgeries(t *testing.T) {
	t.Parallel()
	good := sign(t, oneBlock())
	forgeries := recordForgeries()
	forgeries["too many bytes"] = func(r *pb.Record) { r.PublicKey = make([]byte, MaxRecord) }
	for name, change := range forgeries {
		r, _ := proto.Clone(good).(*pb.Record)
		change(r)
		_, err := VerifyRecord(r)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		wantCode(t, err, fault.Integrity)
	}
	if _, err := VerifyRecord(nil); err == nil {
		t.Error("a record that isn't there is accepted")
	}
}

// A body with fields from a later version keeps them, and its signature.
func TestUnknownFieldsStaySigned(t *testing.T) {
	t.Parallel()
	body := sign(t, oneBlock()).Body
	body = protowire.AppendTag(body, 99, protowire.BytesType)
	body = protowire.AppendString(body, "from the future")
	if err := verifySigned(body, 1); err != nil {
		t.Fatal(err)
	}
}

// A writer whose ID is a hash of its key sends the key along.
func TestWriterWithHashedKey(t *testing.T) {
	t.Parallel()
	key, _, err := crypto.GenerateRSAKeyPair(2048, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	body := oneBlock()
	r, err := Sign(key, body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyRecord(r); err != nil {
		t.Fatal(err)
	}
	r.PublicKey = nil
	if _, err := VerifyRecord(r); err == nil {
		t.Error("accepted without the key")
	}
	if r.PublicKey, err = crypto.MarshalPublicKey(fixedKey(2).GetPublic()); err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyRecord(r); err == nil {
		t.Error("accepted with another's key")
	}
}

func TestLargestRecord(t *testing.T) {
	t.Parallel()
	b := oneBlock()
	b.Name = strings.Repeat("n", MaxName)
	b.BlockSize, b.Size, b.Blocks = MaxBlockSize, MaxBlockSize*MaxBlocks, make([]byte, HashSize*MaxBlocks)
	for i := range uint64(MaxAncestors) {
		b.Ancestors = append(b.Ancestors, &pb.Version{Clock: testClock - 1 - i, Writer: b.Writer})
	}
	r := sign(t, b)
	if _, err := VerifyRecord(r); err != nil {
		t.Fatal(err)
	}
	if n := proto.Size(&pb.FileRequest{Body: &pb.FileRequest_Store{Store: &pb.Store{Record: r}}}); n > MaxFileMessage {
		t.Errorf("the largest record makes a message of %d bytes", n)
	}
	b.Size++
	if _, err := Sign(fixedKey(1), b); err == nil {
		t.Error("a file of one block too many is accepted")
	}
}

// Stamps order as versions do.
func TestStamps(t *testing.T) {
	t.Parallel()
	ids := []string{string(fixedID(1)), string(fixedID(2))}
	if ids[0] > ids[1] {
		ids[0], ids[1] = ids[1], ids[0]
	}
	versions := []*pb.Version{
		{Clock: 1, Writer: []byte(ids[1])},
		{Clock: 255, Writer: []byte(ids[0])},
		{Clock: 255, Writer: []byte(ids[1])},
		{Clock: 256, Writer: []byte(ids[0])},
		{Clock: 1 << 63, Writer: []byte(ids[0])},
	}
	for i, a := range versions {
		for j, b := range versions {
			stampA, stampB := StampOfVersion(a.Clock, idOf(t, a.Writer)), StampOfVersion(b.Clock, idOf(t, b.Writer))
			if strings.Compare(stampA, stampB) != CompareVersions(a, b) || (i < j) != (CompareVersions(a, b) < 0) {
				t.Errorf("versions %d and %d are in another order than their stamps", i, j)
			}
		}
		back, err := VersionOf(StampOfVersion(a.Clock, idOf(t, a.Writer)))
		if err != nil || !proto.Equal(back, a) {
			t.Errorf("the stamp of %v reads %v, %v", a, back, err)
		}
	}
	r, err := VerifyRecord(sign(t, blockBody()))
	if err != nil || StampOf(r) != string(hashOf("c")) {
		t.Errorf("the stamp of a block is %x, %v", StampOf(r), err)
	}
	for _, bad := range []string{"", "12345678", strings.Repeat("x", 73)} {
		if v, err := VersionOf(bad); err == nil {
			t.Errorf("the stamp %q reads %v", bad, v)
		}
	}
}

func TestClocks(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_790_000_000_000)
	if Clock(now) != testClock || !ClockTime(testClock+5).Equal(now) {
		t.Errorf("the clock at %v is %d", now, Clock(now))
	}
	if err := CheckClock(Clock(now.Add(10*time.Minute)), now); err != nil {
		t.Error(err)
	}
	wantCode(t, CheckClock(Clock(now.Add(10*time.Minute+time.Second)), now), fault.NotAllowed)
	wantCode(t, CheckClock(^uint64(0), now), fault.NotAllowed)
}

func TestCID(t *testing.T) {
	t.Parallel()
	// 01 (version) 55 (raw) 1e (blake3) 20 (32 bytes) and the hash, in base32.
	c := CID([32]byte(hashOf("")))
	if got := c.String(); got[:7] != "bafkr4i" || !bytes.Equal(c.Bytes()[:4], []byte{1, 0x55, 0x1e, 32}) || !bytes.Equal(c.Bytes()[4:], hashOf("")) {
		t.Errorf("CID = %s, bytes %x", got, c.Bytes())
	}
}
