package protocol

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/p2pchord/p2pchord/protocol/internal/check"
	"github.com/p2pchord/p2pchord/protocol/internal/frame"
	"github.com/p2pchord/p2pchord/protocol/internal/wire"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

var update = flag.Bool("update", false, "write testdata/*.json anew: a change of the protocol")

// vector is one message: its bytes and what they say. The files are for people who
// write a peer in another language.
type vector struct {
	Name    string          `json:"name"`
	Message string          `json:"message"`
	Frame   string          `json:"frame"`  // hex: length and message, as on a stream
	Fields  json.RawMessage `json:"fields"` // protobuf's JSON: bytes are in base64
}

// signedVector is what is signed, and everything computed from it.
type signedVector struct {
	Name string `json:"name"`
	Seed string `json:"ed25519_seed,omitempty"`
	// hex: libp2p's PrivateKey, of another type
	Private   string          `json:"private_key,omitempty"`
	PeerID    string          `json:"peer_id"`
	Fields    json.RawMessage `json:"fields"`
	Signed    string          `json:"signed"` // hex: the bytes that the signature is over
	Signature string          `json:"signature"`
	Encoded   string          `json:"encoded"` // hex: the Record or Peer
	Key       uint16          `json:"key"`
	Stamp     string          `json:"stamp,omitempty"`
	CID       string          `json:"cid,omitempty"`
	Addrs     []string        `json:"addrs,omitempty"` // of a peer: those that can be read
}

const (
	messagesFile = "testdata/messages.json"
	recordsFile  = "testdata/records.json"
	peersFile    = "testdata/peers.json"
	// Records and Peers that a receiver refuses; names that may be given and names that may not.
	refusedFile = "testdata/refused.json"
	namesFile   = "testdata/names.json"
	// The sums of SPEC.md's section 12, and the ancestors of a version that replaces another.
	sumsFile      = "testdata/sums.json"
	ancestorsFile = "testdata/ancestors.json"
	// Private keys for the vectors, made once.
	keysFile = "testdata/keys.json"
)

func fieldsOf(m proto.Message) json.RawMessage {
	loose := must(protojson.MarshalOptions{UseProtoNames: true}.Marshal(m))
	var tidy bytes.Buffer // protojson's own spacing differs from run to run
	if err := json.Compact(&tidy, loose); err != nil {
		panic(err)
	}
	return tidy.Bytes()
}

func limitOf(m proto.Message) int {
	switch m.(type) {
	case *pb.RingRequest, *pb.RingResponse:
		return MaxRingMessage
	case *pb.BootstrapRequest, *pb.BootstrapResponse:
		return MaxBootstrapMessage
	case *pb.InstanceRequest, *pb.InstanceResponse:
		return MaxInstanceMessage
	}
	return MaxFileMessage
}

func messageVectors() []vector {
	var all []vector
	for _, e := range examples() {
		framed := must(AppendFrame(nil, e.message, limitOf(e.message)))
		all = append(all, vector{e.name, string(e.message.ProtoReflect().Descriptor().Name()), hex.EncodeToString(framed), fieldsOf(e.message)})
	}
	return all
}

// The bytes of every kind of message are those in testdata, and the other way round.
func TestVectors(t *testing.T) {
	t.Parallel()
	compareVectors(t, messagesFile, messageVectors())
	compareVectors(t, recordsFile, recordVectors())
	compareVectors(t, peersFile, peerVectors())
	compareVectors(t, refusedFile, refusedVectors())
	compareVectors(t, namesFile, nameVectors())
	compareVectors(t, sumsFile, sumVectors())
	compareVectors(t, ancestorsFile, ancestorVectors())

	known := messageTypes()
	for _, v := range readVectors[vector](t, messagesFile) {
		framed := must(hex.DecodeString(v.Frame))
		encoded, rest, err := CutFrame(framed, MaxFileMessage)
		if err != nil || len(rest) > 0 {
			t.Fatalf("%s: %v, %d bytes left", v.Name, err, len(rest))
		}
		fromBytes, fromFields := known[v.Message](), known[v.Message]()
		if err := frame.Unmarshal(encoded, fromBytes); err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		if err := protojson.Unmarshal(v.Fields, fromFields); err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		if !proto.Equal(fromBytes, fromFields) {
			t.Errorf("%s: the bytes say %v, the fields %v", v.Name, fromBytes, fromFields)
		}
		if again := must(AppendFrame(nil, fromFields, limitOf(fromFields))); !bytes.Equal(again, framed) {
			t.Errorf("%s: encoded as %x", v.Name, again)
		}
	}
}

func compareVectors[V any](t *testing.T, path string, want []V) {
	t.Helper()
	encoded := append(must(json.MarshalIndent(want, "", " ")), '\n')
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, encoded, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, encoded) {
		t.Errorf("%s is not what this code makes: the protocol has changed (go test -update writes it anew)", path)
	}
}

func readVectors[V any](t testing.TB, path string) []V {
	t.Helper()
	var all []V
	if err := json.Unmarshal(must(os.ReadFile(path)), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func messageTypes() map[string]func() proto.Message {
	return map[string]func() proto.Message{
		"RingRequest":       func() proto.Message { return new(pb.RingRequest) },
		"RingResponse":      func() proto.Message { return new(pb.RingResponse) },
		"BootstrapRequest":  func() proto.Message { return new(pb.BootstrapRequest) },
		"BootstrapResponse": func() proto.Message { return new(pb.BootstrapResponse) },
		"FileRequest":       func() proto.Message { return new(pb.FileRequest) },
		"FileResponse":      func() proto.Message { return new(pb.FileResponse) },
		"InstanceRequest":   func() proto.Message { return new(pb.InstanceRequest) },
		"InstanceResponse":  func() proto.Message { return new(pb.InstanceResponse) },
	}
}

// Every alternative of every message's body has an example.
func TestExamplesAreComplete(t *testing.T) {
	t.Parallel()
	seen := map[protoreflect.FullName]bool{}
	for _, e := range examples() {
		m := e.message.ProtoReflect()
		if field := m.WhichOneof(m.Descriptor().Oneofs().Get(0)); field != nil {
			seen[field.FullName()] = true
		}
	}
	for name, make := range messageTypes() {
		kinds := make().ProtoReflect().Descriptor().Oneofs().Get(0).Fields()
		for i := range kinds.Len() {
			if kind := kinds.Get(i).FullName(); !seen[kind] {
				t.Errorf("%s: no example of %s", name, kind)
			}
		}
	}
}

// Every example passes the checks of the side that gets it.
func TestExamplesAreValid(t *testing.T) {
	t.Parallel()
	for _, e := range examples() {
		if err := checkExample(e.message, e.question); err != nil {
			t.Errorf("%s: %v", e.name, err)
		}
	}
}

func checkExample(m, question proto.Message) error {
	switch m := m.(type) {
	case *pb.RingRequest:
		return check.RingRequest(check.Asker{ID: fixedID(1)}, m)
	case *pb.BootstrapRequest:
		return check.BootstrapRequest(check.Asker{ID: fixedID(1)}, m)
	case *pb.FileRequest:
		return check.FileRequest(check.Asker{ID: fixedID(1)}, m)
	case *pb.RingResponse:
		return check.RingResponse(question.(*pb.RingRequest), m)
	case *pb.BootstrapResponse:
		return check.BootstrapResponse(question.(*pb.BootstrapRequest), m)
	case *pb.FileResponse:
		if m.GetWorking() || m.GetNeed() {
			return nil
		}
		return check.FileResponse(question.(*pb.FileRequest), m)
	case *pb.InstanceRequest:
		return check.InstanceRequest(check.Asker{ID: fixedID(1)}, m)
	case *pb.InstanceResponse:
		return check.InstanceResponse(question.(*pb.InstanceRequest), m)
	}
	return errors.New("a message of no known type")
}

// readFramed reads one message the way a stream is read.
func readFramed(b []byte, limit int, m proto.Message) error {
	w := &wire.Wire{In: bufio.NewReader(bytes.NewReader(b))}
	size, err := w.ReadLength(limit)
	if err != nil {
		return err
	}
	return w.ReadMessage(size, m)
}

// Every beginning of every message is refused as cut short, and every beginning
// passed off as a whole message does no harm.
func TestTruncated(t *testing.T) {
	t.Parallel()
	for _, e := range examples() {
		limit := limitOf(e.message)
		framed := must(AppendFrame(nil, e.message, limit))
		encoded := must(proto.Marshal(e.message))
		if err := readFramed(framed, limit, messageLike(e.message)); err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		for n := range len(framed) {
			want := io.ErrUnexpectedEOF
			if n == 0 {
				want = io.EOF
			}
			if _, _, err := CutFrame(framed[:n], limit); !errors.Is(err, want) {
				t.Fatalf("%s: the first %d bytes of %d give %v, want %v", e.name, n, len(framed), err, want)
			}
			if err := readFramed(framed[:n], limit, messageLike(e.message)); !errors.Is(err, want) {
				t.Fatalf("%s: read from a stream, the first %d bytes of %d give %v, want %v", e.name, n, len(framed), err, want)
			}
		}
		for n := range len(encoded) {
			m := messageLike(e.message)
			if err := frame.Unmarshal(encoded[:n], m); err != nil {
				if !errors.Is(err, ErrMalformed) {
					t.Fatalf("%s: %d bytes passed off as whole give %v", e.name, n, err)
				}
				continue
			}
			_ = checkExample(m, e.question)
		}
	}
}

func messageLike(m proto.Message) proto.Message { return m.ProtoReflect().New().Interface() }

// Every beginning of a record and of a peer is refused.
func TestTruncatedSigned(t *testing.T) {
	t.Parallel()
	for _, v := range readVectors[signedVector](t, recordsFile) {
		whole := must(hex.DecodeString(v.Encoded))
		for n := range len(whole) {
			r := new(pb.Record)
			if proto.Unmarshal(whole[:n], r) == nil {
				if _, err := VerifyRecord(r); err == nil {
					t.Fatalf("%s: %d bytes of %d are accepted", v.Name, n, len(whole))
				}
			}
		}
	}
	for _, v := range readVectors[signedVector](t, peersFile) {
		whole := must(hex.DecodeString(v.Encoded))
		for n := range len(whole) {
			p := new(pb.Peer)
			if proto.Unmarshal(whole[:n], p) != nil {
				continue
			}
			// Without the statement's signature a peer is whole, and not bound; without its record
			// too: known, with no addresses.
			if info, err := ParsePeer(p); err == nil && (info.Bound || len(p.GetStatementSignature()) > 0) {
				t.Fatalf("%s: %d bytes of %d are accepted: %+v", v.Name, n, len(whole), info)
			}
		}
	}
}
