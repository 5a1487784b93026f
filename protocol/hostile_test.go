package protocol

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/internal/wire"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// quick are times for peers that keep one waiting.
var quick = ServeOptions{
	ReadTimeout: 100 * time.Millisecond, QueueTimeout: 100 * time.Millisecond, IdleTimeout: 150 * time.Millisecond,
	Progress: 100 * time.Millisecond, WorkingEvery: 20 * time.Millisecond,
}

// readAnswer reads one answer from a raw stream.
func readAnswer(t *testing.T, s network.Stream, resp proto.Message) {
	t.Helper()
	w := wire.New(s, 10*time.Second)
	size, err := w.ReadLength(MaxFileMessage)
	if err != nil {
		t.Fatalf("read an answer: %v", err)
	}
	if err := w.ReadMessage(size, resp); err != nil {
		t.Fatalf("read an answer: %v", err)
	}
}

// A handler that panics costs its request: the stream is reset, the next one is answered, and
// nothing is leaked.
func TestPanicInAHandler(t *testing.T) {
	t.Parallel()
	server, client := newPair(t)
	closeLater(t, ServeRing(server, ServeOptions{PerPeer: 1, Total: 1}, func(_ context.Context, _ peer.ID, r *pb.RingRequest) (*pb.RingResponse, error) {
		if r.GetNotify() != nil {
			panic("on purpose")
		}
		return nil, nil
	}))
	closeLater(t, ServeFile(server, ServeOptions{PerPeer: 1, Total: 1, WorkingEvery: 20 * time.Millisecond}, func(_ context.Context, _ peer.ID, r *pb.FileRequest, b *Body) (*pb.FileResponse, *Payload, error) {
		if r.GetHave() != nil {
			var none []byte
			_ = none[b.Size()]
		}
		return &pb.FileResponse{Body: &pb.FileResponse_Got{Got: &pb.Got{Record: exampleRecord(oneBlock())}}}, nil, nil
	}))
	before := contain.Total()
	for range 3 {
		s := rawStream(t, client, server, RingID)
		if _, err := s.Write(must(AppendFrame(nil, &pb.RingRequest{Body: &pb.RingRequest_Notify{Notify: &pb.Notify{From: must(MakePeer(client, RingAddress{}))}}}, MaxRingMessage))); err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, s); n > 0 || !errors.Is(err, network.ErrReset) {
			t.Errorf("after a panic: %d bytes, %v; want a reset", n, err)
		}
		c := newClient(t, client, ClientOptions{})
		if _, err := c.Ring(t.Context(), server.ID(), ping()); err != nil {
			t.Errorf("a request after a panic: %v", err)
		}
		if _, err := c.File(t.Context(), server.ID(), &pb.FileRequest{Body: &pb.FileRequest_Have{Have: &pb.Have{}}}, nil); err == nil {
			t.Error("a file request whose handler panics is answered")
		}
	}
	if got := contain.Total() - before; got < 6 {
		t.Errorf("%d panics counted, want 6", got)
	}
}

// What is no request gets a status "usage" where there is someone to tell it to, and the stream
// ends.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	server, client := newPair(t)
	var handled atomic.Int64
	closeLater(t, ServeFile(server, ServeOptions{}, func(context.Context, peer.ID, *pb.FileRequest, *Body) (*pb.FileResponse, *Payload, error) {
		handled.Add(1)
		return nil, nil, nil
	}))
	frame := func(m proto.Message) []byte { return must(AppendFrame(nil, m, 64<<20)) }
	for name, c := range map[string]struct {
		send []byte
		says string
	}{
		"a message too large":           {binary.AppendUvarint(nil, MaxFileMessage+1), "too large"},
		"a message of 2^62 bytes":       {binary.AppendUvarint(nil, 1<<62), "too large"},
		"a length of eleven bytes":      {[]byte(strings.Repeat("\xff", 11)), "length"},
		"a length in too many bytes":    {[]byte{0x80, 0x00}, "length"},
		"not protobuf":                  {[]byte("\x04\xff\xff\xff\xff"), "decoded"},
		"a request of no kind":          {[]byte{0}, "no kind"},
		"an answer":                     {frame(&pb.FileResponse{Status: 3, Message: "x"}), ""},
		"a request to another protocol": {frame(ping()), ""},
		"HTTP":                          {[]byte("GET / HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nUser-Agent: curl/8.0.0 and some more words\r\n\r\n"), ""},
		"a body where none belongs":     {frame(&pb.FileRequest{BodySize: 1, Body: getRequest("a").Body}), "bytes after"},
		"a body too large":              {frame(&pb.FileRequest{BodySize: MaxBody + 1, Offer: true, Body: putRequest().Body}), "more than"},
		"a large body without asking":   {frame(&pb.FileRequest{BodySize: MaxImmediateBody + 1, Body: putRequest().Body}), "offer"},
		"an offer of nothing":           {frame(&pb.FileRequest{Offer: true, Body: putRequest().Body}), "offer"},
		"a put of nothing":              {frame(&pb.FileRequest{Body: &pb.FileRequest_Put{Put: &pb.Put{}}}), "record"},
		"a name that is not allowed":    {frame(getRequest("../x")), "part"},
	} {
		s := rawStream(t, client, server, FileID)
		if _, err := s.Write(c.send); err != nil {
			t.Fatal(err)
		}
		resp := new(pb.FileResponse)
		readAnswer(t, s, resp)
		if resp.GetStatus() != fault.Usage.Wire() || !strings.Contains(resp.GetMessage(), c.says) {
			t.Errorf("%s: status %d, %q", name, resp.GetStatus(), resp.GetMessage())
		}
		if n, err := io.Copy(io.Discard, s); n > 0 || err != nil && !errors.Is(err, network.ErrReset) {
			t.Errorf("%s: %d bytes more, %v", name, n, err)
		}
	}
	if handled.Load() != 0 {
		t.Errorf("the handler has seen %d of them", handled.Load())
	}
}

// Peers that fall silent or hang up in the middle are let go of.
func TestSilentRequests(t *testing.T) {
	t.Parallel()
	server, client := newPair(t)
	var failed atomic.Int64
	closeLater(t, ServeFile(server, quick, func(_ context.Context, _ peer.ID, _ *pb.FileRequest, body *Body) (*pb.FileResponse, *Payload, error) {
		if _, err := io.Copy(io.Discard, body); err != nil {
			failed.Add(1)
			return nil, nil, err
		}
		return nil, nil, nil
	}))
	whole := must(AppendFrame(nil, &pb.FileRequest{BodySize: 5, Body: putRequest().Body}, MaxFileMessage))
	offer := must(AppendFrame(nil, &pb.FileRequest{BodySize: 5, Offer: true, Body: putRequest().Body}, MaxFileMessage))
	bodies := int64(0)
	for name, c := range map[string]struct {
		send   []byte
		hangUp bool
		body   bool // the handler is at it
	}{
		"says nothing":                  {nil, false, false},
		"hangs up":                      {nil, true, false},
		"stops in the length":           {[]byte{0x80}, false, false},
		"hangs up in the length":        {[]byte{0x80}, true, false},
		"stops in the message":          {whole[:20], false, false},
		"hangs up in the message":       {whole[:20], true, false},
		"stops before the body":         {whole, false, true},
		"stops in the body":             {append(whole, 'h', 'e'), false, true},
		"hangs up in the body":          {append(whole, 'h', 'e'), true, true},
		"offers, then stops":            {offer, false, true},
		"offers, then hangs up":         {offer, true, true},
		"offers, then stops in a while": {append(offer, 'h', 'e'), false, true},
	} {
		s := rawStream(t, client, server, FileID)
		if _, err := s.Write(c.send); err != nil {
			t.Fatal(err)
		}
		if len(c.send) == 0 { // libp2p opens the stream with the first byte
			if err := s.CloseWrite(); err != nil {
				t.Fatal(err)
			}
		}
		if c.hangUp {
			if err := s.CloseWrite(); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		if _, err := io.Copy(io.Discard, s); err == nil && len(c.send) > 0 {
			t.Errorf("%s: the stream ends in peace", name)
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%s: let go of after %v", name, d)
		}
		if c.body {
			bodies++
		}
	}
	eventually(t, "the end of all handlers", func() bool { return failed.Load() == bodies })
}

// A peer that sends slowly but steadily is served.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	server, client := newPair(t)
	opts := quick
	opts.Progress = 500 * time.Millisecond
	closeLater(t, ServeFile(server, opts, func(_ context.Context, _ peer.ID, _ *pb.FileRequest, body *Body) (*pb.FileResponse, *Payload, error) {
		b, err := io.ReadAll(body)
		if err != nil || string(b) != "slowly, slowly" {
			return nil, nil, fault.Integrity
		}
		return &pb.FileResponse{Body: &pb.FileResponse_Stored{Stored: &pb.Stored{Copies: 1}}}, nil, nil
	}))
	s := rawStream(t, client, server, FileID)
	body := []byte("slowly, slowly")
	if _, err := s.Write(must(AppendFrame(nil, &pb.FileRequest{BodySize: uint32(len(body)), Body: putRequest().Body}, MaxFileMessage))); err != nil {
		t.Fatal(err)
	}
	every := time.NewTicker(60 * time.Millisecond) // in all, longer than the time for progress
	defer every.Stop()
	for _, b := range body {
		<-every.C
		if _, err := s.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	for {
		resp := new(pb.FileResponse)
		readAnswer(t, s, resp)
		if resp.GetWorking() {
			continue
		}
		if resp.GetStored().GetCopies() != 1 {
			t.Errorf("the answer is %v", resp)
		}
		return
	}
}

// A request that takes longer than the client waits for a sign of life is answered, because there
// are signs of life.
func TestWorking(t *testing.T) {
	t.Parallel()
	server, client := newPair(t)
	opts := quick
	opts.Progress = 10 * time.Second
	release := make(chan struct{})
	var gone atomic.Int64
	closeLater(t, ServeFile(server, opts, func(ctx context.Context, _ peer.ID, req *pb.FileRequest, _ *Body) (*pb.FileResponse, *Payload, error) {
		if req.GetStat().GetName() == "for ever" {
			<-ctx.Done()
			gone.Add(1)
			return nil, nil, ctx.Err()
		}
		<-release
		return nil, nil, fault.NotFound
	}))
	c := newClient(t, client, ClientOptions{Progress: time.Second})
	stat := func(name string) *pb.FileRequest {
		return &pb.FileRequest{Body: &pb.FileRequest_Stat{Stat: &pb.Stat{Name: name}}}
	}
	timer := time.AfterFunc(2*time.Second, func() { close(release) })
	defer timer.Stop()
	_, err := c.File(t.Context(), server.ID(), stat("slow"), nil)
	wantCode(t, err, fault.NotFound)

	// When the asker goes, the handler's context ends.
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = c.File(ctx, server.ID(), stat("for ever"), nil)
	wantCode(t, err, fault.Unreachable)
	if !errors.Is(err, ErrNoAnswer) {
		t.Errorf("it is certain not to have been carried out, says %v", err)
	}
	eventually(t, "the end of the handler", func() bool { return gone.Load() == 1 })
}

// hostileServer answers every stream of a protocol with the same bytes.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	frame := func(m proto.Message) []byte { return must(AppendFrame(nil, m, 64<<20)) }
	got := &pb.FileResponse{BodySize: 100, Body: &pb.FileResponse_Got{Got: &pb.Got{Record: exampleRecord(oneBlock())}}}
	for name, c := range map[string]struct {
		answer []byte
		silent bool // keeps the stream open after that
		want   fault.Code
	}{
		"nothing, in silence":        {nil, true, fault.Unreachable},
		"nothing":                    {nil, false, fault.Unreachable},
		"half a length":              {[]byte{0x80}, false, fault.Unreachable},
		"half an answer":             {frame(got)[:50], false, fault.Unreachable},
		"half an answer, in silence": {frame(got)[:50], true, fault.Unreachable},
		"an answer too large":        {binary.AppendUvarint(nil, MaxFileMessage+1), true, fault.Integrity},
		"a bad length":               {[]byte{0x80, 0x00}, true, fault.Integrity},
		"not protobuf":               {[]byte("\x04\xff\xff\xff\xff"), true, fault.Integrity},
		"a demand for bytes":         {frame(&pb.FileResponse{Need: true}), true, fault.Integrity},
		"another answer":             {frame(&pb.FileResponse{Body: &pb.FileResponse_Held{Held: &pb.Held{}}}), true, fault.Integrity},
		"an empty answer":            {frame(&pb.FileResponse{}), true, fault.Integrity},
		"a body beside a failure":    {frame(&pb.FileResponse{Status: 3, BodySize: 5}), true, fault.Integrity},
		"a body too large":           {frame(&pb.FileResponse{BodySize: MaxBody + 1, Body: got.Body}), true, fault.Integrity},
		"a status of the future":     {frame(&pb.FileResponse{Status: 4711}), true, fault.Failed},
		"working, for ever":          {frame(&pb.FileResponse{Working: true}), true, fault.Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := newPair(t)
			server.SetStreamHandler(FileID, func(s network.Stream) {
				defer s.Close()
				buf := make([]byte, 4096)
				_, _ = s.Read(buf)
				_, _ = s.Write(c.answer)
				if c.silent {
					_, _ = io.Copy(io.Discard, s)
				}
			})
			cl := newClient(t, client, ClientOptions{Progress: 300 * time.Millisecond})
			reply, err := cl.File(t.Context(), server.ID(), getRequest("hello.txt"), nil)
			wantCode(t, err, c.want)
			if (reply == nil) == (c.want == fault.Failed) {
				t.Errorf("the reply is %v", reply)
			}
			eventually(t, "the end of the stream", func() bool { return c.want == fault.Failed || streams(client) == 0 })
		})
	}
	// An answer whose bytes stop coming.
	server, client := newPair(t)
	server.SetStreamHandler(FileID, func(s network.Stream) {
		defer s.Close()
		_, _ = s.Read(make([]byte, 4096))
		_, _ = s.Write(append(frame(got), "only some of it"...))
		_, _ = io.Copy(io.Discard, s)
	})
	c := newClient(t, client, ClientOptions{Progress: 200 * time.Millisecond})
	reply, err := c.File(t.Context(), server.ID(), getRequest("hello.txt"), nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(reply)
	wantCode(t, err, fault.TryAgain)
	if string(b) != "only some of it" {
		t.Errorf("read %q", b)
	}
	_ = reply.Close()
}

// A peer that takes no bytes is given up.
func TestStalledSend(t *testing.T) {
	t.Parallel()
	server, client := newPair(t)
	block := make(chan struct{})
	defer close(block)
	server.SetStreamHandler(FileID, func(s network.Stream) {
		defer s.Close()
		_, _ = s.Read(make([]byte, 4096))
		_, _ = s.Write(must(AppendFrame(nil, &pb.FileResponse{Need: true}, 100)))
		<-block
	})
	c := newClient(t, client, ClientOptions{Progress: 300 * time.Millisecond})
	_, err := c.File(t.Context(), server.ID(), putRequest(), make([]byte, MaxBody))
	wantCode(t, err, fault.TryAgain)
	if !errors.Is(err, ErrNoAnswer) {
		t.Errorf("it is certain not to have been carried out, says %v", err)
	}
}
