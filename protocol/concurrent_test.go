package protocol

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// Too many requests of one peer wait, and then are told to try again; another peer's are served.
func TestTooManyRequests(t *testing.T) {
	t.Parallel()
	server, greedy := newPair(t)
	modest := newHost(t)
	modest.Peerstore().AddAddrs(server.ID(), server.Addrs(), time.Hour)
	opts := quick
	opts.PerPeer, opts.Total = 2, 3
	release := make(chan struct{})
	var running, most atomic.Int64
	closeLater(t, ServeRing(server, opts, func(_ context.Context, from peer.ID, _ *pb.RingRequest) (*pb.RingResponse, error) {
		if from == greedy.ID() {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			<-release
		}
		return nil, nil
	}))
	c := newClient(t, greedy, ClientOptions{})
	answers := make(chan error, 5)
	for range 5 {
		go func() {
			_, err := c.Ring(t.Context(), server.ID(), ping())
			answers <- err
		}()
	}
	for range 3 {
		err := <-answers
		wantCode(t, err, fault.TryAgain)
		if fault.AfterOf(err) != crowded {
			t.Errorf("told to wait %v, want %v", fault.AfterOf(err), crowded)
		}
	}
	if _, err := newClient(t, modest, ClientOptions{}).Ring(t.Context(), server.ID(), ping()); err != nil {
		t.Errorf("another peer is not served: %v", err)
	}
	close(release)
	for range 2 {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	if most.Load() != 2 {
		t.Errorf("%d requests of one peer ran at the same time", most.Load())
	}
}

// Close ends what runs, waits for it, and takes nothing more.
func TestCloseWhileRunning(t *testing.T) {
	t.Parallel()
	server, client := newPair(t)
	var running, started atomic.Int64
	var f fileServer
	ring := ServeRing(server, ServeOptions{}, func(ctx context.Context, _ peer.ID, _ *pb.RingRequest) (*pb.RingResponse, error) {
		running.Add(1)
		defer running.Add(-1)
		started.Add(1)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	file := ServeFile(server, ServeOptions{}, func(ctx context.Context, from peer.ID, req *pb.FileRequest, body *Body) (*pb.FileResponse, *Payload, error) {
		running.Add(1)
		defer running.Add(-1)
		started.Add(1)
		return f.handle(ctx, from, req, body)
	})
	c := newClient(t, client, ClientOptions{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := c.Ring(t.Context(), server.ID(), ping()); err == nil {
				t.Error("a request was answered that should have been ended")
			}
		})
		wg.Go(func() {
			for body := pattern(4 << 20); ; body = body[1:] {
				if _, err := c.File(t.Context(), server.ID(), putRequest(), body); err != nil {
					return
				}
			}
		})
	}
	eventually(t, "requests under way", func() bool { return started.Load() > 20 })
	if err := errors.Join(ring.Close(), file.Close(), ring.Close()); err != nil {
		t.Error(err)
	}
	if n := running.Load(); n != 0 {
		t.Errorf("%d handlers run after Close", n)
	}
	wg.Wait()
	_, err := c.Ring(t.Context(), server.ID(), ping())
	wantCode(t, err, fault.Unreachable)
}

// Many requests of all kinds at the same time, some of them given up.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	server, client := newPair(t)
	closeLater(t, ServeFile(server, ServeOptions{}, func(_ context.Context, _ peer.ID, req *pb.FileRequest, body *Body) (*pb.FileResponse, *Payload, error) {
		if req.GetBlock() != nil {
			return nil, &Payload{Bytes: pattern(int(req.GetBlock().GetOffset()))}, nil
		}
		b, err := io.ReadAll(body)
		return &pb.FileResponse{Body: &pb.FileResponse_Stored{Stored: &pb.Stored{Copies: uint32(len(b))}}}, nil, err
	}))
	c := newClient(t, client, ClientOptions{StreamsPerPeer: 8})
	var wg sync.WaitGroup
	for worker := range 24 {
		wg.Go(func() {
			for i := range 20 {
				size := (worker*7919 + i*104729) % 200_000
				ctx, cancel := context.WithCancel(t.Context())
				if i%5 == 4 {
					cancel()
				}
				exchangeOne(ctx, t, c, server.ID(), size, worker%2 == 0)
				cancel()
			}
		})
	}
	wg.Wait()
	eventually(t, "no more than four idle streams", func() bool { return streams(client) <= 4 })
}

// exchangeOne puts or gets size bytes; with an ended context it must fail as interrupted or
// succeed.
func exchangeOne(ctx context.Context, t *testing.T, c *Client, to peer.ID, size int, put bool) {
	var reply *FileReply
	var err error
	if put {
		reply, err = c.File(ctx, to, putRequest(), pattern(size))
	} else {
		reply, err = c.File(ctx, to, &pb.FileRequest{Body: &pb.FileRequest_Block{Block: &pb.GetBlock{Hash: hashOf("x"), Offset: uint32(size)}}}, nil)
	}
	if err != nil {
		if ctx.Err() == nil || !errors.Is(err, fault.Interrupted) {
			t.Errorf("%d bytes: %v", size, err)
		}
		return
	}
	defer reply.Close()
	switch {
	case put && int(reply.Response.GetStored().GetCopies()) != size:
		t.Errorf("put %d bytes, %d arrived", size, reply.Response.GetStored().GetCopies())
	case !put && reply.Size() != size:
		t.Errorf("got %d bytes of %d", reply.Size(), size)
	case !put:
		if n, err := io.Copy(io.Discard, reply); ctx.Err() == nil && (err != nil || int(n) != size) {
			t.Errorf("got %d bytes of %d: %v", n, size, err)
		}
	}
}
