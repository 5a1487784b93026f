package vault

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

const (
	testBlock = 64 << 10
	testClock = 1_790_000_000_000 << 16
)

// testVault is always the same.
func testVault(t testing.TB, epochs ...uint32) *Vault {
	t.Helper()
	var all []Epoch
	for _, n := range epochs {
		all = append(all, Epoch{Number: n, Key: Key(bytes.Repeat([]byte{byte(0x10 + n)}, KeySize))})
	}
	v, err := New(Key(bytes.Repeat([]byte{0x01}, KeySize)), all...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func testKey(n byte) crypto.PrivKey {
	key, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize)))
	if err != nil {
		panic(err)
	}
	return key
}

func testWriter(n byte) []byte {
	id, err := peer.IDFromPrivateKey(testKey(n))
	if err != nil {
		panic(err)
	}
	return []byte(id)
}

// put encrypts a file as a writer does. It returns the body of its record, which is to be signed,
// and its blocks as holders have them.
func put(t testing.TB, f *File, name string, clock uint64, data []byte) (*pb.RecordBody, [][]byte) {
	t.Helper()
	body := &pb.RecordBody{Name: f.StoredName(), Writer: testWriter(1), Clock: clock, Size: uint64(len(data)), BlockSize: testBlock}
	var salts []Salt
	var blocks [][]byte
	for i := 0; i*testBlock < len(data); i++ {
		block := bytes.Clone(data[i*testBlock : min((i+1)*testBlock, len(data))])
		var p blake3sum.Part
		p.Reset(int64(i) * testBlock)
		_, _ = p.Write(block)
		salt := f.Salt(uint32(i), p.Chain())
		f.Stream(uint32(i), salt, 0).XORKeyStream(block, block)
		sum := blake3sum.Sum(block)
		salts, blocks, body.Blocks = append(salts, salt), append(blocks, block), append(body.Blocks, sum[:]...)
	}
	whole, plain := blake3sum.Sum(bytes.Join(blocks, nil)), blake3sum.Sum(data)
	body.Hash = whole[:]
	d := &pb.Description{Name: name, Size: uint64(len(data)), Hash: plain[:], Modified: 1_700_000_000_000, ModifiedNanos: 250, Mode: 0o640}
	nonces := make([]byte, 48) // the same always: these are never used outside of tests
	binary.BigEndian.PutUint64(nonces, clock)
	binary.BigEndian.PutUint64(nonces[24:], clock+1)
	body.Tags = testVault(t, 1).Tags(name)
	if err := f.seal(body, d, salts, nonces); err != nil {
		t.Fatal(err)
	}
	return body, blocks
}

// sign signs a body and verifies the record, as its reader does.
func sign(t testing.TB, body *pb.RecordBody, key byte) *signed.Record {
	t.Helper()
	r, err := signed.Sign(testKey(key), body)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := signed.VerifyRecord(r)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// pattern is n bytes that don't repeat.
func pattern(n int) []byte {
	b := make([]byte, 0, n+8)
	for i := uint64(1); len(b) < n; i++ {
		b = binary.BigEndian.AppendUint64(b, i*0x9e3779b97f4a7c15)
	}
	return b[:n]
}
