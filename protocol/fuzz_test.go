package protocol

import (
	"bytes"
	"encoding/hex"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/protocol/internal/check"
	"github.com/p2pchord/p2pchord/protocol/internal/frame"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

// seedMessages adds the vectors of one type of message, without their lengths. A
// fuzz target that has no seeds is broken, and says so.
func seedMessages(f *testing.F, kind string) {
	f.Helper()
	n := 0
	for _, v := range readVectors[vector](f, messagesFile) {
		if v.Message == kind {
			encoded, _, err := CutFrame(must(hex.DecodeString(v.Frame)), MaxFileMessage)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(encoded)
			n++
		}
	}
	if n == 0 {
		f.Fatalf("no seeds of %s", kind)
	}
}

func seedSigned(f *testing.F, path string) {
	f.Helper()
	vectors := readVectors[signedVector](f, path)
	if len(vectors) == 0 {
		f.Fatalf("no seeds in %s", path)
	}
	for _, v := range vectors {
		f.Add(must(hex.DecodeString(v.Encoded)))
	}
}

// decodeAgain checks that what was decoded and accepted is the same after another round.
func decodeAgain[M proto.Message](t *testing.T, m, again M, check func(M) error) {
	t.Helper()
	if err := frame.Unmarshal(must(proto.Marshal(m)), again); err != nil {
		t.Fatalf("accepted, and refused when encoded again: %v", err)
	}
	if !proto.Equal(m, again) {
		t.Fatalf("%v\nbecomes\n%v", m, again)
	}
	if err := check(again); err != nil {
		t.Fatalf("accepted, and refused the second time: %v", err)
	}
}

func fuzzMessages[M proto.Message](f *testing.F, kind string, make func() M, check func(M) error) {
	seedMessages(f, kind)
	f.Fuzz(func(t *testing.T, b []byte) {
		m := make()
		if frame.Unmarshal(b, m) != nil || check(m) != nil {
			return
		}
		decodeAgain(t, m, make(), check)
	})
}

func FuzzRingRequest(f *testing.F) {
	fuzzMessages(f, "RingRequest", ringSpec.newReq, func(m *pb.RingRequest) error { return check.RingRequest(check.Asker{ID: fixedID(1)}, m) })
}

func FuzzBootstrapRequest(f *testing.F) {
	fuzzMessages(f, "BootstrapRequest", bootstrapSpec.newReq, func(m *pb.BootstrapRequest) error {
		return check.BootstrapRequest(check.Asker{ID: fixedID(1)}, m)
	})
}

func FuzzFileRequest(f *testing.F) {
	fuzzMessages(f, "FileRequest", fileSpec.newReq, func(m *pb.FileRequest) error { return check.FileRequest(check.Asker{ID: fixedID(1)}, m) })
}

// Answers are checked against every question.
func questions[Q proto.Message]() []Q {
	var all []Q
	for _, e := range examples() {
		if q, ok := e.message.(Q); ok {
			all = append(all, q)
		}
	}
	return all
}

func fuzzAnswers[Q, M proto.Message](f *testing.F, kind string, make func() M, check func(Q, M) error) {
	asked := questions[Q]()
	fuzzMessages(f, kind, make, func(m M) error {
		var err error
		for _, q := range asked {
			if err = check(q, m); err == nil {
				return nil
			}
		}
		return err
	})
}

func FuzzRingResponse(f *testing.F) {
	fuzzAnswers(f, "RingResponse", ringSpec.newResp, check.RingResponse)
}

func FuzzBootstrapResponse(f *testing.F) {
	fuzzAnswers(f, "BootstrapResponse", bootstrapSpec.newResp, check.BootstrapResponse)
}

func FuzzFileResponse(f *testing.F) {
	fuzzAnswers(f, "FileResponse", fileSpec.newResp, check.FileResponse)
}

// A record is verified, and then its parts can be asked for.
func FuzzRecord(f *testing.F) {
	seedSigned(f, recordsFile)
	f.Fuzz(func(t *testing.T, b []byte) {
		m := new(pb.Record)
		if frame.Unmarshal(b, m) != nil {
			return
		}
		// A mutated body has no good signature: sign it, so that the rules are reached.
		if verifySigned(m.GetBody(), 1) == nil {
			body := new(pb.RecordBody)
			if err := proto.Unmarshal(m.GetBody(), body); err != nil {
				t.Fatal(err)
			}
			r := &Record{RecordBody: body, By: fixedID(1)}
			total := 0
			for i := range r.BlockCount() {
				_, size := r.BlockAt(i)
				total += size
			}
			if r.GetIndex() == 0 && uint64(total) != r.GetSize() {
				t.Fatalf("blocks of %d bytes in a file of %d", total, r.GetSize())
			}
			if n := r.BlockSize(); n < 0 || n > MaxBody || (n == 0) != (r.BlockHash() == [HashSize]byte{}) {
				t.Fatalf("%d bytes with hash %x", n, r.BlockHash())
			}
			_, _ = StampOf(r), r.Key()
		}
		_, _ = VerifyRecord(m)
	})
}

func FuzzPeer(f *testing.F) {
	seedSigned(f, peersFile)
	f.Fuzz(func(t *testing.T, b []byte) {
		m := new(pb.Peer)
		if frame.Unmarshal(b, m) != nil {
			return
		}
		info, err := ParsePeer(m)
		if err != nil {
			return
		}
		if !bytes.Equal([]byte(info.ID), m.GetId()) || info.Position != PositionOf(info.ID, info.RingAddress) {
			t.Fatalf("%v is believed to be %+v", m, info)
		}
	})
}

func FuzzPrivatePeer(f *testing.F) {
	seedSigned(f, privatePeersFile)
	f.Fuzz(func(t *testing.T, b []byte) {
		m := new(pb.Peer)
		if frame.Unmarshal(b, m) != nil {
			return
		}
		info, err := ParsePeerIn(fixedNetwork(7), m)
		if err != nil {
			return
		}
		if !bytes.Equal([]byte(info.ID), m.GetId()) || info.RingAddress.IsZero() || info.Position != PositionOf(info.ID, info.RingAddress) {
			t.Fatalf("%v is believed to be %+v", m, info)
		}
	})
}

func FuzzFrame(f *testing.F) {
	vectors := readVectors[vector](f, messagesFile)
	if len(vectors) == 0 {
		f.Fatal("no seeds")
	}
	for _, v := range vectors {
		f.Add(must(hex.DecodeString(v.Frame)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		message, rest, err := CutFrame(b, 4096)
		streamed := readFramed(b, 4096, new(pb.FileResponse))
		if err != nil {
			if streamed == nil {
				t.Fatalf("%v from memory, accepted from a stream", err)
			}
			return
		}
		if n := len(b) - len(rest) - len(message); n < 1 || n > 2 {
			t.Fatalf("a length of %d bytes before %d", n, len(message))
		}
	})
}

func FuzzRingAddress(f *testing.F) {
	for _, s := range []string{"localhost:8001", "[::1]:8001", "", "a:b:c", "[x]:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseRingAddress(s)
		if err != nil {
			return
		}
		if a.String() != s {
			t.Fatalf("%q reads as %q", s, a)
		}
		if again, err := signed.SplitRingAddress(a.Hashed(), uint32(len(a.Host))); err != nil || again != a {
			t.Fatalf("%q is sent and read as %q, %v", s, again, err)
		}
	})
}
