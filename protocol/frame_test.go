package protocol

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/protocol/internal/frame"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

func TestCutFrame(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   []byte
		want error
	}{
		"nothing":                        {nil, io.EOF},
		"an empty message":               {[]byte{0}, nil},
		"a message and more":             {[]byte{1, 'a', 'b'}, nil},
		"half a length":                  {[]byte{0x80}, io.ErrUnexpectedEOF},
		"half a message":                 {[]byte{2, 'a'}, io.ErrUnexpectedEOF},
		"a length in more bytes":         {[]byte{0x81, 0x00, 'a'}, ErrMalformed},
		"a 0 in more bytes":              {[]byte{0x80, 0x00}, ErrMalformed},
		"a byte too many":                {append([]byte{101}, make([]byte, 101)...), ErrTooLarge},
		"2^63 - 1 bytes":                 {[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, ErrTooLarge},
		"a length of ten bytes":          {[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, ErrMalformed},
		"a length that never ends":       {bytes.Repeat([]byte{0xff}, 100), ErrMalformed},
		"as many as there may be at all": {append([]byte{100}, make([]byte, 100)...), nil},
	} {
		_, _, err := CutFrame(c.in, 100)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err := readFramed(c.in, 100, new(pb.Goodbye)); !errors.Is(err, c.want) && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s, from a stream: %v, want %v", name, err, c.want)
		}
	}
	message, rest, err := CutFrame([]byte{1, 'a', 'b'}, 100)
	if string(message) != "a" || string(rest) != "b" || err != nil {
		t.Errorf("cut into %q and %q, %v", message, rest, err)
	}
}

func TestAppendFrame(t *testing.T) {
	t.Parallel()
	m := &pb.RingResponse{Message: "words"}
	if _, err := AppendFrame(nil, m, proto.Size(m)-1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a message too large gives %v", err)
	}
	b := must(AppendFrame([]byte("before"), m, proto.Size(m)))
	if want := append([]byte("before\x07"), must(proto.Marshal(m))...); !bytes.Equal(b, want) {
		t.Errorf("framed as %x, want %x", b, want)
	}
	if _, err := AppendFrame(nil, &pb.RingResponse{Message: "\xff"}, 100); err == nil {
		t.Error("words that are not UTF-8 are sent")
	}
}

// A message may not unfold into a hundred times its size.
func TestManyParts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		unit []byte
		into proto.Message
	}{
		"empty peers in a roster":      {[]byte{0x0a, 0x00}, new(pb.Roster)},
		"empty hashes":                 {[]byte{0x0a, 0x00}, new(pb.Have)},
		"empty ancestors":              {[]byte{0x2a, 0x00}, new(pb.RecordBody)},
		"empty items, one level below": {[]byte{0x82, 0x01, 0x02, 0x0a, 0x00}, new(pb.FileRequest)},
	} {
		bomb := bytes.Repeat(c.unit, MaxFileMessage/len(c.unit))
		if err := frame.Unmarshal(bomb, c.into); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The largest honest messages pass.
	full := &pb.Items{}
	for range MaxItems {
		full.Items = append(full.Items, &pb.Item{Name: "a name of some length", Stamp: make([]byte, 46)})
	}
	if err := frame.Unmarshal(must(proto.Marshal(full)), new(pb.Items)); err != nil {
		t.Error(err)
	}
	roster := &pb.Roster{}
	someone := fixedPeer(1, "localhost:8001")
	for range MaxRoster {
		roster.Peers = append(roster.Peers, someone)
	}
	if err := frame.Unmarshal(must(proto.Marshal(roster)), new(pb.Roster)); err != nil {
		t.Error(err)
	}
}
