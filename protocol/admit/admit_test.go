package admit

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

var update = flag.Bool("update", false, "write protocol/testdata/admission.json anew: a change of the protocol")

const vectorsFile = "../testdata/admission.json"

func exampleExchange() Exchange {
	id := func(n byte) peer.ID {
		key := statement.Key(bytes.Repeat([]byte{n}, 32))
		return peer.ID(statement.PeerOf(key))
	}
	return Exchange{
		Network: statement.NetworkID{1, 2, 3}, Dialer: id(4), Listener: id(5),
		DialerNonce: bytes.Repeat([]byte{6}, NonceSize), ListenerNonce: bytes.Repeat([]byte{7}, NonceSize),
	}
}

// The tags and the names of the local network are those in testdata.
func TestVectors(t *testing.T) {
	t.Parallel()
	e := exampleExchange()
	first := e
	first.ListenerNonce = nil
	at := time.Date(2026, 11, 28, 23, 59, 59, 0, time.UTC)
	name := LocalName(e.Network, at)
	vector := map[string]string{
		"network": hex.EncodeToString(e.Network[:]), "dialer": hex.EncodeToString([]byte(e.Dialer)), "listener": hex.EncodeToString([]byte(e.Listener)),
		"dialer_nonce": hex.EncodeToString(e.DialerNonce), "listener_nonce": hex.EncodeToString(e.ListenerNonce),
		"tag_hello": hex.EncodeToString(first.Tag(Hello)), "tag_answer": hex.EncodeToString(e.Tag(Answer)), "tag_proof": hex.EncodeToString(e.Tag(Proof)),
		"time": at.Format(time.RFC3339), "local_name": hex.EncodeToString(name[:]),
	}
	raw, err := json.MarshalIndent(vector, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	raw = append(raw, '\n')
	if *update {
		if err := os.WriteFile(vectorsFile, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(vectorsFile); err != nil || string(kept) != string(raw) {
		t.Errorf("%s differs (%v): go test ./protocol/admit -update writes it anew", vectorsFile, err)
	}
}

// A tag is good for one step of one exchange of two peers of one network.
func TestTagsAreForOneUse(t *testing.T) {
	t.Parallel()
	e := exampleExchange()
	tag := e.Tag(Proof)
	if !e.Verify(Proof, tag) || e.Verify(Proof, nil) || e.Verify(Proof, tag[:TagSize-1]) {
		t.Error("the own tag is judged wrongly")
	}
	for name, change := range map[string]func(*Exchange){
		"network":        func(e *Exchange) { e.Network[31] ^= 1 },
		"dialer":         func(e *Exchange) { e.Dialer += "x" },
		"direction":      func(e *Exchange) { e.Dialer, e.Listener = e.Listener, e.Dialer },
		"dialer's nonce": func(e *Exchange) { e.DialerNonce = bytes.Repeat([]byte{9}, NonceSize) },
		"nonce":          func(e *Exchange) { e.ListenerNonce = bytes.Repeat([]byte{9}, NonceSize) },
		"boundary":       func(e *Exchange) { e.Dialer, e.Listener = e.Dialer+e.Listener[:1], e.Listener[1:] },
	} {
		other := e
		change(&other)
		if other.Verify(Proof, tag) {
			t.Errorf("another %s has the same tag", name)
		}
	}
	if e.Verify(Answer, tag) || e.Verify(Hello, tag) {
		t.Error("another step has the same tag")
	}
	day := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	if LocalName(e.Network, day) != LocalName(e.Network, day.Add(24*time.Hour-1)) || LocalName(e.Network, day) == LocalName(e.Network, day.Add(24*time.Hour)) {
		t.Error("the name of the local network doesn't change with the day")
	}
}

func admitMessages() []*pb.AdmitMessage {
	return []*pb.AdmitMessage{
		{Body: &pb.AdmitMessage_Hello{Hello: &pb.AdmitHello{Nonce: make([]byte, NonceSize), Tag: make([]byte, TagSize)}}},
		{Body: &pb.AdmitMessage_Proof{Proof: &pb.AdmitProof{
			Tag: make([]byte, TagSize), Digest: &pb.NetworkDigest{Sum: make([]byte, 16), Count: 3}, Statements: [][]byte{{1}}, More: true,
			Heads: []*pb.NetworkHead{{Issuer: make([]byte, 32), Seq: 1, Sum: make([]byte, 16)}},
		}}},
		{Body: &pb.AdmitMessage_Sync{Sync: &pb.AdmitSync{Wanted: [][]byte{make([]byte, 32)}, Digest: &pb.NetworkDigest{}}}},
		{Body: &pb.AdmitMessage_End{End: &pb.AdmitEnd{}}},
	}
}

type pipe struct {
	io.Reader
	io.Writer
}

func encode(t testing.TB, m proto.Message) []byte {
	t.Helper()
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Messages of every kind come through as they are, within what the peer may send.
func TestMessagesComeThrough(t *testing.T) {
	t.Parallel()
	var wire bytes.Buffer
	out := NewStream(pipe{nil, &wire}, 0)
	size := 0
	for _, m := range admitMessages() {
		if err := out.Write(m); err != nil {
			t.Fatal(err)
		}
		size += proto.Size(m)
	}
	whole := slices.Clone(wire.Bytes())
	in := NewStream(pipe{&wire, nil}, size)
	for _, want := range admitMessages() {
		got := new(pb.AdmitMessage)
		if err := in.Read(got, MaxProbation); err != nil || !proto.Equal(got, want) {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
	if in.Left != 0 {
		t.Errorf("%d bytes are left", in.Left)
	}
	in = NewStream(pipe{bytes.NewReader(whole), nil}, size-1)
	var err error
	for range admitMessages() {
		err = errors.Join(err, in.Read(new(pb.AdmitMessage), MaxProbation))
	}
	if !errors.Is(err, ErrInvalid) {
		t.Errorf("one byte too many: %v", err)
	}
	if err := NewStream(pipe{bytes.NewReader(whole), nil}, size).Read(new(pb.AdmitMessage), 10); !errors.Is(err, ErrInvalid) {
		t.Errorf("a message over its limit: %v", err)
	}
	if err := NewStream(pipe{bytes.NewReader(whole[:9]), nil}, size).Read(new(pb.AdmitMessage), MaxShort); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a message that ends early: %v", err)
	}
}

// Messages with a field of the wrong size, too many entries, or nothing known are refused.
func TestInvalidMessagesAreRefused(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]*pb.AdmitMessage{
		"nothing":                {},
		"nonce":                  {Body: &pb.AdmitMessage_Hello{Hello: &pb.AdmitHello{Tag: make([]byte, 32)}}},
		"tag":                    {Body: &pb.AdmitMessage_Proof{Proof: &pb.AdmitProof{Tag: make([]byte, 31)}}},
		"sum of a digest":        {Body: &pb.AdmitMessage_Sync{Sync: &pb.AdmitSync{Digest: &pb.NetworkDigest{Sum: []byte{1}}}}},
		"issuer":                 {Body: &pb.AdmitMessage_Sync{Sync: &pb.AdmitSync{Heads: []*pb.NetworkHead{{}}}}},
		"sum of an issuer":       {Body: &pb.AdmitMessage_Sync{Sync: &pb.AdmitSync{Heads: []*pb.NetworkHead{{Issuer: make([]byte, 32)}}}}},
		"heads":                  {Body: &pb.AdmitMessage_Sync{Sync: &pb.AdmitSync{Heads: make([]*pb.NetworkHead, statement.MaxStatements+1)}}},
		"statement of 0 bytes":   {Body: &pb.AdmitMessage_Sync{Sync: &pb.AdmitSync{Statements: [][]byte{{}}}}},
		"statements, more than":  {Body: &pb.AdmitMessage_Proof{Proof: &pb.AdmitProof{Statements: make([][]byte, MaxStatements+1)}}},
		"hash of a statement":    {Body: &pb.AdmitMessage_Sync{Sync: &pb.AdmitSync{Wanted: [][]byte{{1}}}}},
		"attachments, more than": {Body: &pb.AdmitMessage_Sync{Sync: &pb.AdmitSync{Wanted: make([][]byte, MaxWanted+1)}}},
	} {
		if err := Decode(encode(t, m), new(pb.AdmitMessage)); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	if err := Decode([]byte{0xff}, new(pb.AdmitMessage)); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
}

// Whatever comes, decoding ends, takes bounded memory, and what it accepts is the same when it is
// encoded again.
func FuzzAdmitMessage(f *testing.F) {
	for _, m := range admitMessages() {
		f.Add(encode(f, m))
	}
	f.Fuzz(fuzz)
}

func fuzz(t *testing.T, raw []byte) {
	m, again := new(pb.AdmitMessage), new(pb.AdmitMessage)
	if Decode(raw, m) != nil {
		return
	}
	if err := Decode(encode(t, m), again); err != nil || !proto.Equal(m, again) {
		t.Errorf("%v became %v, %v", m, again, err)
	}
	_ = HeadsOf(m.GetSync().GetHeads())
	_ = HeadsOf(m.GetProof().GetHeads())
	if d := DigestOf(m.GetSync().GetDigest()); d.Count != m.GetSync().GetDigest().GetCount() {
		t.Error("another digest")
	}
}
