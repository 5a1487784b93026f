package network

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

var update = flag.Bool("update", false, "write protocol/testdata/network.json anew: a change of the encoding")

const vectorsFile = "../protocol/testdata/network.json"

// vectors are a network for people who read statements in another language.
type vectors struct {
	Network    string            `json:"network"`
	Statements []statementVector `json:"statements"`
	Digest     string            `json:"digest"` // hex, of the set of all statements
	Count      uint64            `json:"count"`
	Heads      []headVector      `json:"heads"`
}

type statementVector struct {
	Name      string          `json:"name"`
	Seed      string          `json:"issuer_ed25519_seed"`
	Fields    json.RawMessage `json:"fields"` // protobuf's JSON of the body: bytes are in base64
	Signed    string          `json:"signed"` // hex: the bytes that the signature is over
	Signature string          `json:"signature"`
	Encoded   string          `json:"encoded"` // hex: the Statement
	ID        string          `json:"id"`
}

type headVector struct {
	Issuer string `json:"issuer"`
	Seq    uint64 `json:"seq"`
	Sum    string `json:"sum"`
}

// The bytes, IDs, and sums of a network are those in testdata.
func TestVectors(t *testing.T) {
	t.Parallel()
	raw, err := json.MarshalIndent(makeVectors(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	raw = append(raw, '\n')
	if *update {
		if err := os.WriteFile(vectorsFile, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.ReplaceAll(kept, []byte("\r\n"), []byte("\n")), raw) {
		t.Errorf("%s is not what this code makes: the encoding has changed (go test -update writes it anew)", vectorsFile)
	}
}

func makeVectors(t *testing.T) vectors {
	t.Helper()
	w := newWorld(t)
	a, k, fresh := w.author(2), w.author(3), w.author(4)
	i := invite(k, statement.RolesMember)
	i.Label, i.GrantNotAfterMS = "ann-laptop", 1_900_000_000_000
	joined := w.join(2, i, k)
	joined.NotAfterMS = 1_850_000_000_000
	sealed := statement.EncodeSealedKeys([]statement.SealedKey{{Peer: peerOf(1), Sealed: []byte("sealed")}})
	good := w.root.say(administrator(1, a))
	all := []struct {
		name string
		seed byte
		*statement.Statement
	}{
		{"a genesis with three recovery keys, of which two are needed", rootSeed, w.genesis},
		{"an admin", rootSeed, good},
		{"an invitation", 2, a.say(i)},
		{"the grant that was made by it, with the peer's consent", 3, k.say(joined)},
		{"a guest, who may read one name", 2, a.say(&statement.Grant{Peer: peerOf(3), Roles: statement.Read, NotAfterMS: 1_700_000_600_000, NarrowedTo: bytes.Repeat([]byte{7}, 32)})},
		{"a peer is revoked", 2, a.say(&statement.Revoke{Peer: peerOf(2), Why: "stolen"})},
		{"an issuer is cut off after its first statement", 2, a.say(&statement.Revoke{Cuts: []statement.Cut{cut(k, k.last)}})},
		{"a policy", 2, a.say(&statement.Policy{Serial: 1, Closed: true, ClosedFromMS: 1_700_000_000_000, HideFolders: true, Pad: true, CarefulDays: 30})},
		{"a data key", 2, must(a.say(statement.NewKeys([5]byte{1, 2, 3, 4, 5}, 1, sealed)).WithAttachment(sealed))(t)},
		{"a new root, which keeps two statements of the former one", 4, fresh.say(w.order(fresh, 1, []byte{0, 2}, cut(w.root, good)))},
	}
	v := vectors{Network: w.genesis.Network().String()}
	s := must(NewSet(w.genesis))(t)
	for _, e := range all {
		if _, err := s.Add(e.Statement); err != nil {
			t.Fatal(err)
		}
		m, body := new(pb.Statement), new(pb.StatementBody)
		encoded := e.Encode(true)
		if proto.Unmarshal(encoded, m) != nil || proto.Unmarshal(m.GetBody(), body) != nil {
			t.Fatalf("%s can't be decoded", e.name)
		}
		loose, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		var tidy bytes.Buffer // protojson's own spacing differs from run to run
		if err := json.Compact(&tidy, loose); err != nil {
			t.Fatal(err)
		}
		v.Statements = append(v.Statements, statementVector{
			Name: e.name, Seed: hex.EncodeToString(bytes.Repeat([]byte{e.seed}, 32)), Fields: tidy.Bytes(),
			Signed: hex.EncodeToString(append([]byte(statement.Domain), m.GetBody()...)), Signature: hex.EncodeToString(m.GetSignature()),
			Encoded: hex.EncodeToString(encoded), ID: e.ID().String(),
		})
		again := must(statement.Parse(encoded))(t)
		if again.ID() != e.ID() || !bytes.Equal(again.Encode(true), encoded) {
			t.Errorf("%s: it is read as something else", e.name)
		}
	}
	d := s.Digest()
	v.Digest, v.Count = hex.EncodeToString(d.Sum[:]), d.Count
	for _, h := range s.Heads() {
		v.Heads = append(v.Heads, headVector{h.Issuer.String(), h.Seq, hex.EncodeToString(h.Sum[:])})
	}
	return v
}
