package vault

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

// A record is refused if anything in it is not what the vault's writer has sealed, even when it is
// signed anew, by the writer's key or another one.
func TestSwappedPartsAreNoticed(t *testing.T) {
	t.Parallel()
	v := testVault(t, 1)
	a, _ := put(t, v.File("a"), "a", testClock, pattern(3*testBlock))
	older, _ := put(t, v.File("a"), "a", testClock-1<<20, pattern(3*testBlock))
	b, _ := put(t, v.File("b"), "b", testClock, pattern(3*testBlock))
	foreign := Create()
	c, _ := put(t, foreign.File("a"), "a", testClock, pattern(3*testBlock))
	if _, err := v.Open(sign(t, clone(a), 1)); err != nil {
		t.Fatal(err)
	}
	swap := func(blocks []byte) []byte {
		return append(bytes.Clone(blocks[32:64]), append(bytes.Clone(blocks[:32]), blocks[64:]...)...)
	}
	for what, change := range map[string]func(*pb.RecordBody){
		"two blocks":                      func(m *pb.RecordBody) { m.Blocks = swap(m.Blocks) },
		"a block of another file":         func(m *pb.RecordBody) { m.Blocks = append(bytes.Clone(b.Blocks[:32]), m.Blocks[32:]...) },
		"the stored hash":                 func(m *pb.RecordBody) { m.Hash = b.Hash },
		"the salts of another file":       func(m *pb.RecordBody) { m.Salts = b.Salts },
		"the salts of another version":    func(m *pb.RecordBody) { m.Salts = older.Salts },
		"the description of a version":    func(m *pb.RecordBody) { m.Sealed = older.Sealed },
		"description and salts":           func(m *pb.RecordBody) { m.Sealed, m.Salts = older.Sealed, older.Salts },
		"the description of a file":       func(m *pb.RecordBody) { m.Sealed = b.Sealed },
		"the name":                        func(m *pb.RecordBody) { m.Name = b.Name },
		"name and description":            func(m *pb.RecordBody) { m.Name, m.Sealed = b.Name, b.Sealed },
		"a later clock":                   func(m *pb.RecordBody) { m.Clock += 1 << 16 },
		"an older version as a new one":   func(m *pb.RecordBody) { *m = *clone(older); m.Clock = testClock + 1<<16 }, //nolint:govet // a copy of a clone
		"the ancestors":                   func(m *pb.RecordBody) { m.Ancestors = []*pb.Version{{Clock: 1, Writer: testWriter(2)}} },
		"the floor":                       func(m *pb.RecordBody) { m.Floor = 5 },
		"the copies":                      func(m *pb.RecordBody) { m.Copies = 1 },
		"the tags":                        func(m *pb.RecordBody) { m.Tags = m.Tags[:0] },
		"the tags of another folder":      func(m *pb.RecordBody) { m.Tags = v.Tags("x/y") },
		"the sizes":                       func(m *pb.RecordBody) { m.Size-- },
		"the size of the blocks":          func(m *pb.RecordBody) { m.BlockSize, m.Blocks, m.Salts = 4*testBlock, m.Hash, m.Salts[:56] },
		"all that another vault wrote":    func(m *pb.RecordBody) { *m = *clone(c); m.Name = a.Name }, //nolint:govet // a copy of a clone
		"a file of another vault":         func(m *pb.RecordBody) { *m = *clone(c) },                  //nolint:govet // a copy of a clone
		"nothing is sealed":               func(m *pb.RecordBody) { m.Sealed, m.Tags, m.Salts = nil, nil, nil },
		"nothing is sealed, and it's new": func(m *pb.RecordBody) { m.Sealed, m.Tags, m.Salts, m.Clock = nil, nil, nil, testClock+1<<16 },
	} {
		for _, signer := range []byte{1, 2} {
			m := clone(a)
			change(m)
			if o, err := v.Open(sign(t, m, signer)); fault.CodeOf(err) != fault.Integrity {
				t.Errorf("%s, signed by %d: %v, %v", what, signer, o, err)
			}
		}
	}
	// nothing but the writer
	if o, err := v.Open(sign(t, clone(a), 2)); fault.CodeOf(err) != fault.Integrity {
		t.Errorf("signed by another peer: %v, %v", o, err)
	}
}

func clone(b *pb.RecordBody) *pb.RecordBody {
	m, _ := proto.Clone(b).(*pb.RecordBody)
	return m
}

// A field that this version doesn't know belongs to what is sealed, too.
func TestUnknownFieldsAreSealed(t *testing.T) {
	t.Parallel()
	v := testVault(t, 1)
	body, _ := put(t, v.File("a"), "a", testClock, pattern(10))
	rec := sign(t, body, 1)
	raw := protowire.AppendString(protowire.AppendTag(bytes.Clone(rec.Message.GetBody()), 99, protowire.BytesType), "from the future")
	signature, err := testKey(1).Sign(signed.Text(signed.RecordDomain, raw))
	if err != nil {
		t.Fatal(err)
	}
	added, err := signed.VerifyRecord(&pb.Record{Body: raw, Signature: signature})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Open(added); fault.CodeOf(err) != fault.Integrity {
		t.Errorf("a field was added: %v", err)
	}
}

// A member that knows the keys can seal anything. What is no valid description is refused.
func TestDescriptionsAreChecked(t *testing.T) {
	t.Parallel()
	v := testVault(t, 1)
	hash := make([]byte, 32)
	for what, d := range map[string]*pb.Description{
		"a name that leaves the folder": {Name: "../a", Size: 1, Hash: hash},
		"no name":                       {Size: 1, Hash: hash},
		"no hash":                       {Name: "a", Size: 1},
		"another size":                  {Name: "a", Size: 2, Hash: hash},
		"another file's name":           {Name: "b", Size: 1, Hash: hash},
		"more than permissions":         {Name: "a", Size: 1, Hash: hash, Mode: 0o4755},
	} {
		f := v.File("a")
		if what == "a name that leaves the folder" {
			f = v.File("../a")
		}
		body, _ := put(t, f, "a", testClock, []byte("x"))
		if err := f.Seal(body, d, []Salt{{}}); err != nil {
			t.Fatal(err)
		}
		if o, err := v.Open(sign(t, body, 1)); fault.CodeOf(err) != fault.Integrity {
			t.Errorf("%s: %v, %v", what, o, err)
		}
	}
}
