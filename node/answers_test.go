package node_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/multiformats/go-varint"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// What is wrong with a request decides the status, and what becomes of the stream: the table of
// SPEC.md's section 2.
func TestWrongRequests(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	h, err := p2phost.New(p2phost.Config{Profile: p2phost.Client})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	to, err := peeraddr.Split(c.nodes[0].Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Connect(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	hello := []byte("hello")
	put := func(name string, size int, spoil func(*pb.RecordBody, *pb.Record)) *pb.FileRequest {
		return putRequest(t, h.Peerstore().PrivKey(h.ID()), name, hello, size, spoil)
	}
	unknown := proto.Clone(put("unknown", 0, nil)).(*pb.FileRequest)
	unknown.Body, unknown.BodySize = nil, 0
	other, err := protocol.MakePeer(h, protocol.RingAddress{})
	if err != nil {
		t.Fatal(err)
	}
	other.RingSignature[0] ^= 1
	for name, c := range map[string]struct {
		req  *pb.FileRequest
		body []byte
		want fault.Code
		open bool
	}{
		"nothing wrong":          {put("good", 5, nil), hello, "", true},
		"no kind that is known":  {unknown, nil, fault.Usage, false},
		"a name that is none":    {&pb.FileRequest{Body: &pb.FileRequest_Stat{Stat: &pb.Stat{Name: "a//b"}}}, nil, fault.Usage, false},
		"an invalid Peer":        {&pb.FileRequest{Body: &pb.FileRequest_Grant{Grant: &pb.GetGrant{From: other}}}, nil, fault.NotAllowed, false},
		"no Peer":                {&pb.FileRequest{Body: &pb.FileRequest_Grant{Grant: &pb.GetGrant{}}}, nil, fault.Usage, false},
		"a false signature":      {put("forged", 5, func(_ *pb.RecordBody, r *pb.Record) { r.Signature[0] ^= 1 }), hello, fault.Integrity, true},
		"a record breaks a rule": {put("rules", 5, func(b *pb.RecordBody, _ *pb.Record) { b.Copies = 9 }), hello, fault.Integrity, true},
		"other bytes":            {put("other", 5, nil), []byte("jelly"), fault.Integrity, true},
		"too few bytes":          {put("few", 4, nil), []byte("hell"), fault.Usage, true},
		"too many bytes":         {put("many", 6, nil), []byte("hello!"), fault.Usage, true},
		"no such file":           {&pb.FileRequest{Body: &pb.FileRequest_Stat{Stat: &pb.Stat{Name: "nowhere"}}}, nil, fault.NotFound, true},
	} {
		s, err := h.NewStream(t.Context(), to.ID, protocol.FileID)
		if err != nil {
			t.Fatal(err)
		}
		_ = s.SetDeadline(time.Now().Add(30 * time.Second))
		resp := exchange(t, s, c.req, c.body)
		if code := codeOf(resp); code != c.want || (code != "" && resp.GetMessage() == "") {
			t.Errorf("%s: the answer is %q (%s), want %q", name, code, resp.GetMessage(), c.want)
		}
		if c.open {
			again := exchange(t, s, &pb.FileRequest{Body: &pb.FileRequest_Stat{Stat: &pb.Stat{Name: "nowhere"}}}, nil)
			if codeOf(again) != fault.NotFound {
				t.Errorf("%s: the next request on its stream gets %v", name, again)
			}
		} else if _, err := s.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("%s: the stream is not closed: %v", name, err)
		}
		_ = s.Reset()
	}
}

func codeOf(resp *pb.FileResponse) fault.Code {
	if resp.GetStatus() == 0 {
		return ""
	}
	return fault.FromWire(resp.GetStatus())
}

// putRequest asks to put a file of one block, with a body of size bytes.
func putRequest(t *testing.T, key crypto.PrivKey, name string, data []byte, size int, spoil func(*pb.RecordBody, *pb.Record)) *pb.FileRequest {
	t.Helper()
	hash := blake3sum.Sum(data)
	body := &pb.RecordBody{
		Name: name, Clock: protocol.Clock(time.Now()), Size: uint64(len(data)), Hash: hash[:], BlockSize: protocol.MinBlockSize, Blocks: hash[:],
	}
	r, err := protocol.Sign(key, body)
	if err != nil {
		t.Fatal(err)
	}
	if spoil != nil {
		spoil(body, r)
		// the rule is broken under a good signature
		if !bytes.Equal(mustMarshal(t, body), r.GetBody()) {
			r.Body = mustMarshal(t, body)
			if r.Signature, err = key.Sign(append([]byte("p2pchord-record:"), r.GetBody()...)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return &pb.FileRequest{BodySize: uint32(size), Body: &pb.FileRequest_Put{Put: &pb.Put{Record: r}}}
}

func mustMarshal(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// exchange sends one request on a stream and reads the answer.
func exchange(t *testing.T, s network.Stream, req *pb.FileRequest, body []byte) *pb.FileResponse {
	t.Helper()
	frame, err := protocol.AppendFrame(nil, req, protocol.MaxFileMessage)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(append(frame, body...)); err != nil {
		t.Fatal(err)
	}
	for {
		size, err := varint.ReadUvarint(byteReader{s})
		if err != nil {
			t.Fatalf("no answer: %v", err)
		}
		b := make([]byte, size)
		if err := binary.Read(s, binary.BigEndian, b); err != nil {
			t.Fatal(err)
		}
		resp := new(pb.FileResponse)
		if err := proto.Unmarshal(b, resp); err != nil {
			t.Fatal(err)
		}
		if !resp.GetWorking() {
			return resp
		}
	}
}

type byteReader struct{ io.Reader }

func (r byteReader) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(r, b[:])
	return b[0], err
}
