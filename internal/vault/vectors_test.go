package vault

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

var update = flag.Bool("update", false, "write protocol/testdata/vault.json anew: a change of the format")

const vectorsFile = "../../protocol/testdata/vault.json"

// vectors are a vault for people who read and write encrypted files in another language. All bytes
// are in hexadecimal.
type vectors struct {
	NameKey     string        `json:"name_key"`
	ContentKeys []epochVector `json:"content_keys"`
	Vault       string        `json:"vault"`
	Prefix      string        `json:"prefix"`
	Names       []nameVector  `json:"names"`
	Files       []fileVector  `json:"files"`
	Keys        keysVector    `json:"sealed_keys"`
}

type epochVector struct {
	Epoch uint32 `json:"epoch"`
	Key   string `json:"key"`
}

type nameVector struct {
	Name   string `json:"name"`
	Stored string `json:"stored_name"`
	Tags   string `json:"tags"`
}

type fileVector struct {
	What        string          `json:"what"`
	Name        string          `json:"name"`
	Epoch       uint32          `json:"epoch"`
	Pattern     int             `json:"pattern_bytes"` // how many bytes of the pattern the file has
	Secret      string          `json:"file_secret"`
	BlocksKey   string          `json:"blocks_key"`
	HeadsKey    string          `json:"descriptions_key"`
	HeadKey     string          `json:"description_key"` // that of this version
	Blocks      []blockVector   `json:"blocks"`
	Plain       string          `json:"hash"`
	Description json.RawMessage `json:"description"` // protobuf's JSON: bytes are in base64
	SealedTo    string          `json:"sealed_to"`
	Seed        string          `json:"writer_ed25519_seed"`
	Record      string          `json:"record"`
}

type blockVector struct {
	Chain  string `json:"chain"`
	Salt   string `json:"salt"`
	Key    string `json:"key"`
	First  string `json:"first_bytes"` // up to 32 of what is stored
	Stored string `json:"stored_hash"`
}

type keysVector struct {
	Private string `json:"private_key"`
	Public  string `json:"public_key"`
	Network string `json:"network"`
	Peer    string `json:"peer"`
	Plain   string `json:"vault_keys"`
	Sealed  string `json:"sealed"`
}

// What this package makes, and reads, is what is in testdata.
func TestVectors(t *testing.T) {
	t.Parallel()
	var old vectors
	kept, err := os.ReadFile(vectorsFile)
	if err == nil {
		err = json.Unmarshal(kept, &old)
	}
	if err != nil && !*update {
		t.Fatal(err)
	}
	now := makeVectors(t)
	now.Keys = keysFor(t, old.Keys)
	raw, err := json.MarshalIndent(now, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	raw = append(raw, '\n')
	if *update {
		if err := os.WriteFile(vectorsFile, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(bytes.ReplaceAll(kept, []byte("\r\n"), []byte("\n")), raw) {
		t.Errorf("%s is not what this code makes: the format has changed (go test -update writes it anew)", vectorsFile)
	}
}

// keysFor returns the sealed keys of earlier, which can't be made again, when they can be opened.
func keysFor(t *testing.T, old keysVector) keysVector {
	t.Helper()
	v := testVault(t, 1, 2)
	bin := func(s string) []byte {
		raw, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	key, err := SealKEM().NewPrivateKey(bin(old.Private))
	if err != nil && !*update {
		t.Fatal(err)
	}
	if key != nil {
		got, err := Unseal(key, bin(old.Network), bin(old.Peer), bin(old.Sealed))
		if err == nil && bytes.Equal(got.Encode(), v.Encode()) {
			return old
		}
	}
	if key, err = SealKEM().GenerateKey(); err != nil {
		t.Fatal(err)
	}
	private, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	public := key.PublicKey().Bytes()
	network, peer := bytes.Repeat([]byte{7}, 32), testWriter(1)
	sealed, err := v.SealTo(public, network, peer)
	if err != nil {
		t.Fatal(err)
	}
	return keysVector{
		hex.EncodeToString(private), hex.EncodeToString(public), hex.EncodeToString(network), hex.EncodeToString(peer),
		hex.EncodeToString(v.Encode()), hex.EncodeToString(sealed),
	}
}

func makeVectors(t *testing.T) vectors {
	t.Helper()
	v := testVault(t, 1, 2)
	id := v.ID()
	out := vectors{NameKey: hex.EncodeToString(v.nameKey[:]), Vault: hex.EncodeToString(id[:]), Prefix: v.Prefix()}
	for _, e := range v.epochs {
		out.ContentKeys = append(out.ContentKeys, epochVector{e.Number, hex.EncodeToString(e.Key[:])})
	}
	for _, name := range []string{"a", "docs/2026/a.txt", "Ünïcode/ファイル"} {
		out.Names = append(out.Names, nameVector{name, v.StoredName(name), hex.EncodeToString(v.Tags(name))})
	}
	for _, c := range []struct {
		what, name string
		v          *Vault
		size       int
	}{
		{"an empty file", "empty", v, 0},
		{"a file of one block", "a", v, 100},
		{"a file of three blocks", "docs/2026/a.txt", v, 2*testBlock + 1000},
		{"a file of an earlier epoch", "a", testVault(t, 1), 100},
	} {
		out.Files = append(out.Files, fileVectorOf(t, c.v, c.what, c.name, c.size))
	}
	return out
}

func fileVectorOf(t *testing.T, v *Vault, what, name string, size int) fileVector {
	t.Helper()
	data, f := pattern(size), v.File(name)
	body, blocks := put(t, f, name, testClock, data)
	rec := sign(t, body, 1)
	o, err := v.Open(rec)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := signed.SealedTo(rec.Message.GetBody())
	if err != nil {
		t.Fatal(err)
	}
	secret := v.newest().Key.derive(contextFiles).mac(f.token[:])
	head := f.headKey(rec.GetClock(), rec.GetWriter())
	encoded, err := proto.Marshal(rec.Message)
	if err != nil {
		t.Fatal(err)
	}
	out := fileVector{
		What: what, Name: name, Epoch: f.epoch, Pattern: size, Secret: hex.EncodeToString(secret[:]), Blocks: []blockVector{},
		BlocksKey: hex.EncodeToString(f.blocks[:]), HeadsKey: hex.EncodeToString(f.heads[:]), HeadKey: hex.EncodeToString(head[:]),
		Plain: hex.EncodeToString(o.GetHash()), Description: fieldsOf(t, o.Description), SealedTo: hex.EncodeToString(sum),
		Seed: hex.EncodeToString(bytes.Repeat([]byte{1}, 32)), Record: hex.EncodeToString(encoded),
	}
	for i, stored := range blocks {
		var p blake3sum.Part
		p.Reset(int64(i) * testBlock)
		_, _ = p.Write(data[i*testBlock:][:len(stored)])
		chain, salt, hash := p.Chain(), o.Salts[i], blake3sum.Sum(stored)
		key := f.blockKey(uint32(i), salt)
		out.Blocks = append(out.Blocks, blockVector{
			hex.EncodeToString(chain[:]), hex.EncodeToString(salt[:]), hex.EncodeToString(key[:]), hex.EncodeToString(stored[:min(32, len(stored))]), hex.EncodeToString(hash[:]),
		})
	}
	return out
}

func fieldsOf(t *testing.T, d *pb.Description) json.RawMessage {
	t.Helper()
	loose, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var tidy bytes.Buffer // protojson's own spacing differs from run to run
	if err := json.Compact(&tidy, loose); err != nil {
		t.Fatal(err)
	}
	return tidy.Bytes()
}
