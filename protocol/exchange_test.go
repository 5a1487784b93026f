package protocol

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

func TestRingRequest(t *testing.T) {
	t.Parallel()
	server, client := newPair(t)
	self := must(MakePeer(server, RingAddress{Host: "localhost", Port: "8001"}))
	var busy atomic.Bool
	closeLater(t, ServeRing(server, ServeOptions{}, func(_ context.Context, from peer.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
		if from != client.ID() {
			return nil, errors.New("a stranger")
		}
		if busy.Load() {
			return &pb.RingResponse{Body: &pb.RingResponse_Neighbours{}}, fault.Busy
		}
		if req.GetNeighbours() != nil {
			return &pb.RingResponse{Body: &pb.RingResponse_Neighbours{Neighbours: &pb.Neighbours{Self: self}}}, nil
		}
		return nil, nil
	}))
	c := newClient(t, client, ClientOptions{})
	if _, err := c.Ring(t.Context(), server.ID(), ping()); err != nil {
		t.Fatal(err)
	}
	resp, err := c.Ring(t.Context(), server.ID(), &pb.RingRequest{Body: &pb.RingRequest_Neighbours{
		Neighbours: &pb.GetNeighbours{From: must(MakePeer(client, RingAddress{}))},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := ParsePeer(resp.GetNeighbours().GetSelf()); err != nil || info.Position.Key != 58795 {
		t.Errorf("it is at %v, %v", info.Position, err)
	}
	// A failure is what its status says, whatever else a handler leaves in the answer.
	for _, q := range []*pb.RingRequest{
		{Body: &pb.RingRequest_Neighbours{Neighbours: &pb.GetNeighbours{}}},
		{Body: &pb.RingRequest_Find{Find: &pb.Find{Key: 1}}},
	} {
		busy.Store(true)
		resp, err := c.Ring(t.Context(), server.ID(), q)
		wantCode(t, err, fault.Busy)
		if resp == nil || resp.GetBody() != nil {
			t.Errorf("with the failure comes %v", resp)
		}
		busy.Store(false)
	}
	// Who speaks for another is refused before the handler sees it.
	_, err = c.Ring(t.Context(), server.ID(), &pb.RingRequest{Body: &pb.RingRequest_Notify{Notify: &pb.Notify{From: self}}})
	wantCode(t, err, fault.NotAllowed)
	// So is a request of no known kind.
	_, err = c.Ring(t.Context(), server.ID(), &pb.RingRequest{})
	wantCode(t, err, fault.Usage)
}

func TestBootstrapRequest(t *testing.T) {
	t.Parallel()
	server, client := newPair(t)
	closeLater(t, ServeBootstrap(server, ServeOptions{}, func(context.Context, peer.ID, *pb.BootstrapRequest) (*pb.BootstrapResponse, error) {
		return &pb.BootstrapResponse{Body: &pb.BootstrapResponse_Introduced{Introduced: &pb.Introduced{Found: true}}}, nil
	}))
	c := newClient(t, client, ClientOptions{})
	resp, err := c.Bootstrap(t.Context(), server.ID(), &pb.BootstrapRequest{Body: &pb.BootstrapRequest_Register{
		Register: &pb.Register{Self: must(MakePeer(client, RingAddress{}))},
	}})
	if err != nil || !resp.GetIntroduced().GetFound() {
		t.Errorf("%v, %v", resp, err)
	}
	// An answer that lacks what was asked for is no answer.
	resp, err = c.Bootstrap(t.Context(), server.ID(), &pb.BootstrapRequest{Body: &pb.BootstrapRequest_Roster{Roster: &pb.GetRoster{}}})
	wantCode(t, err, fault.Integrity)
	if resp != nil {
		t.Errorf("it is returned: %v", resp)
	}
}

// Errors of handlers arrive as what they are, and nothing of this machine with them.
func TestStatuses(t *testing.T) {
	t.Parallel()
	server, client := newPair(t)
	better := fixedPeer(2, "localhost:8002")
	var give atomic.Pointer[error]
	closeLater(t, ServeFile(server, ServeOptions{}, func(context.Context, peer.ID, *pb.FileRequest, *Body) (*pb.FileResponse, *Payload, error) {
		return &pb.FileResponse{Body: &pb.FileResponse_Stored{Stored: &pb.Stored{Copies: 1}}}, &Payload{Bytes: []byte("not with an error")}, *give.Load()
	}))
	c := newClient(t, client, ClientOptions{})
	ask := func(err error) (*FileReply, error) {
		give.Store(&err)
		return c.File(t.Context(), server.ID(), &pb.FileRequest{Body: &pb.FileRequest_Stat{Stat: &pb.Stat{Name: "a"}}}, nil)
	}
	for code := fault.Code(""); ; {
		w := code.Wire() + 1
		if code == "" {
			w = 1
		}
		code = fault.FromWire(w)
		if code.Wire() != w {
			break
		}
		reply, err := ask(fault.New(code, "words for %s", code))
		wantCode(t, err, code)
		if err.Error() != fmt.Sprintf("words for %s", code) {
			t.Errorf("%s arrives as %q", code, err)
		}
		if reply.Response.GetStored().GetCopies() != 1 || reply.Size() != 0 {
			t.Errorf("%s comes with %v", code, reply.Response)
		}
		if errors.Is(err, ErrNoAnswer) {
			t.Errorf("%s passes for no answer", code)
		}
	}
	// A better peer travels.
	_, err := ask(fmt.Errorf("wrapped: %w", &Elsewhere{Code: fault.NotOwner, Better: better}))
	var elsewhere *Elsewhere
	if !errors.As(err, &elsewhere) || elsewhere.Code != fault.NotOwner || fault.CodeOf(err) != fault.NotOwner {
		t.Fatalf("it arrives as %v", err)
	}
	if info, err := ParsePeer(elsewhere.Better); err != nil || info.ID != fixedID(2) {
		t.Errorf("the better peer is %v, %v", info, err)
	}
	// Other errors' words don't.
	_, err = ask(&os.PathError{Op: "open", Path: "/home/someone/secret", Err: os.ErrPermission})
	wantCode(t, err, fault.Failed)
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("a path is told to strangers: %v", err)
	}
	// A kind alone does.
	_, err = ask(fmt.Errorf("open /home/someone/secret: %w", fault.Busy))
	wantCode(t, err, fault.Busy)
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("a path is told to strangers: %v", err)
	}
	// Nor does what would move a cursor, or fill a screen.
	_, err = ask(fault.New(fault.Failed, "a\x1b[2Jb\nc%s", strings.Repeat("é", MaxMessage)))
	if s := err.Error(); strings.ContainsAny(s, "\x1b\n") || len(s) > MaxMessage || !strings.HasSuffix(s, "é") {
		t.Errorf("it arrives as %.20q, %d bytes", s, len(s))
	}
}

// fileServer answers Get with what was Put, in one piece of memory.
type fileServer struct {
	mu    sync.Mutex
	bytes []byte
	reads atomic.Int64
}

func (f *fileServer) handle(_ context.Context, _ peer.ID, req *pb.FileRequest, body *Body) (*pb.FileResponse, *Payload, error) {
	switch {
	case req.GetPut() != nil:
		f.mu.Lock()
		defer f.mu.Unlock()
		if body.Offered() && len(f.bytes) == body.Size() {
			return &pb.FileResponse{Body: &pb.FileResponse_Stored{Stored: &pb.Stored{Copies: 9}}}, nil, nil
		}
		f.reads.Add(1)
		b, err := io.ReadAll(body)
		if err != nil {
			return nil, nil, err
		}
		f.bytes = b
		return &pb.FileResponse{Body: &pb.FileResponse_Stored{Stored: &pb.Stored{Copies: 1}}}, nil, nil
	case req.GetGet() != nil:
		f.mu.Lock()
		defer f.mu.Unlock()
		p := &Payload{Bytes: f.bytes}
		if req.GetGet().GetName() == "reader" {
			p = &Payload{Reader: bytes.NewReader(f.bytes), Size: len(f.bytes)}
		}
		return &pb.FileResponse{Body: &pb.FileResponse_Got{Got: &pb.Got{Record: exampleRecord(oneBlock())}}}, p, nil
	}
	return nil, nil, fault.NotFound
}

func putRequest() *pb.FileRequest {
	return &pb.FileRequest{Body: &pb.FileRequest_Put{Put: &pb.Put{Record: exampleRecord(oneBlock())}}}
}

func getRequest(name string) *pb.FileRequest {
	return &pb.FileRequest{Body: &pb.FileRequest_Get{Get: &pb.Get{Name: name, WithBody: true}}}
}

// pattern is n bytes, no two stretches of 64 KiB of which are alike.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range min(n, 64<<10) {
		b[i] = byte(i) ^ byte(i>>8)
	}
	for at := 64 << 10; at < n; at += 64 << 10 {
		copy(b[at:], b[:64<<10])
		b[at] = byte(at >> 16)
	}
	return b
}

func TestBodies(t *testing.T) {
	t.Parallel()
	server, client := newPair(t)
	var f fileServer
	closeLater(t, ServeFile(server, ServeOptions{}, f.handle))
	c := newClient(t, client, ClientOptions{})
	for _, size := range []int{1, 4095, 4096, 4097, MaxImmediateBody, MaxImmediateBody + 1, 1 << 20, 8<<20 + 1} {
		want := pattern(size)
		reply, err := c.File(t.Context(), server.ID(), putRequest(), want)
		if err != nil || reply.Response.GetStored().GetCopies() != 1 {
			t.Fatalf("put of %d bytes: %v, %v", size, reply, err)
		}
		for _, name := range []string{"bytes", "reader"} {
			reply, err := c.File(t.Context(), server.ID(), getRequest(name), nil)
			if err != nil || reply.Size() != size {
				t.Fatalf("get of %d bytes: %v, %v", size, reply, err)
			}
			got, err := io.ReadAll(reply)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("get of %d bytes: %d bytes, %v", size, len(got), err)
			}
			if err := errors.Join(reply.Close(), reply.Close()); err != nil {
				t.Error(err)
			}
		}
	}
	// Bytes that are there already are not sent.
	before := f.reads.Load()
	reply, err := c.File(t.Context(), server.ID(), putRequest(), pattern(8<<20+1))
	if err != nil || reply.Response.GetStored().GetCopies() != 9 || f.reads.Load() != before {
		t.Errorf("an offer of what is there: %v, %v, %d bodies read", reply, err, f.reads.Load()-before)
	}
	if n := streams(client); n != 1 {
		t.Errorf("%d streams are open after requests one after the other", n)
	}
	_, err = c.File(t.Context(), server.ID(), putRequest(), make([]byte, MaxBody+1))
	wantCode(t, err, fault.Usage)
}

// streams counts a host's outgoing streams of the file and ring protocols.
func streams(h interface{ Network() network.Network }) int {
	n := 0
	for _, c := range h.Network().Conns() {
		for _, s := range c.GetStreams() {
			if s.Stat().Direction == network.DirOutbound && (s.Protocol() == FileID || s.Protocol() == RingID) {
				n++
			}
		}
	}
	return n
}

// A handler that leaves a body unread, or a caller an answer, doesn't upset what follows.
func TestLeftOverBytes(t *testing.T) {
	t.Parallel()
	server, client := newPair(t)
	closeLater(t, ServeFile(server, ServeOptions{}, func(_ context.Context, _ peer.ID, req *pb.FileRequest, body *Body) (*pb.FileResponse, *Payload, error) {
		if req.GetPut() == nil {
			return &pb.FileResponse{Body: &pb.FileResponse_Got{Got: &pb.Got{Record: exampleRecord(oneBlock())}}}, &Payload{Bytes: pattern(1 << 20)}, nil
		}
		if _, err := io.CopyN(io.Discard, body, min(10, int64(body.Size()))); err != nil {
			return nil, nil, err
		}
		return nil, nil, fault.New(fault.NoSpace, "no space")
	}))
	c := newClient(t, client, ClientOptions{})
	for _, size := range []int{0, 5, 100, MaxImmediateBody, 4 << 20} {
		_, err := c.File(t.Context(), server.ID(), putRequest(), pattern(size))
		wantCode(t, err, fault.NoSpace)
		reply, err := c.File(t.Context(), server.ID(), getRequest("x"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(reply, make([]byte, 100)); err != nil {
			t.Error(err)
		}
		_ = reply.Close()
		if _, err := reply.Read(make([]byte, 1)); err == nil {
			t.Error("a closed reply can be read")
		}
	}
	eventually(t, "the end of abandoned streams", func() bool { return streams(client) <= 1 })
}

// Released once, whatever happens.
func TestPayloadRelease(t *testing.T) {
	t.Parallel()
	server, client := newPair(t)
	var released atomic.Int64
	var fail atomic.Bool
	closeLater(t, ServeFile(server, ServeOptions{Progress: 200 * time.Millisecond}, func(context.Context, peer.ID, *pb.FileRequest, *Body) (*pb.FileResponse, *Payload, error) {
		p := &Payload{Bytes: make([]byte, MaxBody), Release: func() { released.Add(1) }}
		if fail.Load() {
			return nil, p, fault.NotFound
		}
		return &pb.FileResponse{Body: &pb.FileResponse_Got{Got: &pb.Got{Record: exampleRecord(oneBlock())}}}, p, nil
	}))
	c := newClient(t, client, ClientOptions{})
	reply, err := c.File(t.Context(), server.ID(), getRequest("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, reply); err != nil {
		t.Fatal(err)
	}
	_ = reply.Close()
	eventually(t, "the release after sending", func() bool { return released.Load() == 1 })
	reply, err = c.File(t.Context(), server.ID(), getRequest("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = reply.Close() // unread
	eventually(t, "the release after a reset", func() bool { return released.Load() == 2 })
	fail.Store(true)
	if _, err := c.File(t.Context(), server.ID(), getRequest("x"), nil); err == nil {
		t.Fatal("no error")
	}
	eventually(t, "the release beside an error", func() bool { return released.Load() == 3 })
}
