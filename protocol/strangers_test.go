package protocol

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// newAsker is one more host that knows server.
func newAsker(t *testing.T, server host.Host) host.Host {
	t.Helper()
	h := newHost(t)
	h.Peerstore().AddAddrs(server.ID(), server.Addrs(), peerstore.PermanentAddrTTL)
	return h
}

// begin writes the first bytes of a message of 100 on a new stream and leaves it at that.
func begin(t *testing.T, from, to host.Host) network.Stream {
	t.Helper()
	s := rawStream(t, from, to, RingID)
	if _, err := s.Write([]byte{100, 1}); err != nil {
		t.Fatal(err)
	}
	return s
}

// Messages that begin and don't go on keep nobody else out, however many there are.
func TestUnfinishedMessagesTakeNoPlace(t *testing.T) {
	t.Parallel()
	server, honest := newPair(t)
	closeLater(t, ServeRing(server, ServeOptions{PerPeer: 2, Total: 4, QueueTimeout: 50 * time.Millisecond}, func(context.Context, peer.ID, *pb.RingRequest) (*pb.RingResponse, error) {
		return nil, nil
	}))
	c := newClient(t, honest, ClientOptions{})
	for range 4 {
		stranger := newAsker(t, server)
		for range 8 {
			begin(t, stranger, server)
		}
		if _, err := c.Ring(t.Context(), server.ID(), ping()); err != nil {
			t.Fatal(err)
		}
	}
	begin(t, honest, server)
	begin(t, honest, server)
	if _, err := c.Ring(t.Context(), server.ID(), ping()); err != nil {
		t.Errorf("beside two unfinished messages of its own: %v", err)
	}
}

// Of the streams on which a peer has begun nothing, or has begun and not gone on, the oldest end
// when there are too many.
func TestIdleStreamsOfOnePeerAreBounded(t *testing.T) {
	t.Parallel()
	server, stranger := newPair(t)
	closeLater(t, ServeRing(server, ServeOptions{}, func(context.Context, peer.ID, *pb.RingRequest) (*pb.RingResponse, error) { return nil, nil }))
	first := rawStream(t, stranger, server, RingID)
	if _, err := first.Write(must(AppendFrame(nil, ping(), MaxRingMessage))); err != nil {
		t.Fatal(err)
	}
	readAnswer(t, first, new(pb.RingResponse)) // the server has this stream before all others
	for range backlogLimits.PerPeer {
		begin(t, stranger, server)
	}
	began := time.Now()
	if _, err := first.Read(make([]byte, 1)); !errors.Is(err, network.ErrReset) || time.Since(began) > time.Minute {
		t.Errorf("the oldest stream: %v after %v, want a reset", err, time.Since(began))
	}
	if _, err := newClient(t, stranger, ClientOptions{}).Ring(t.Context(), server.ID(), ping()); err != nil {
		t.Errorf("one more: %v", err)
	}
}

// Neighbors in the ring are served while strangers hold all places that they can get.
func TestPlacesAreReservedForNeighbors(t *testing.T) {
	t.Parallel()
	server, neighbor := newPair(t)
	release, held := make(chan struct{}), make(chan struct{}, 16)
	opts := ServeOptions{
		PerPeer: 8, Total: 8, QueueTimeout: 50 * time.Millisecond,
		Neighbor: func(p peer.ID) bool { return p == neighbor.ID() },
	}
	closeLater(t, ServeRing(server, opts, func(ctx context.Context, from peer.ID, _ *pb.RingRequest) (*pb.RingResponse, error) {
		if from != neighbor.ID() {
			held <- struct{}{}
			<-release
		}
		return nil, nil
	}))
	stranger := newAsker(t, server)
	c := newClient(t, stranger, ClientOptions{})
	done := make(chan error, 6)
	for range 6 {
		go func() {
			_, err := c.Ring(t.Context(), server.ID(), ping())
			done <- err
		}()
	}
	for range 6 {
		<-held
	}
	if _, err := c.Ring(t.Context(), server.ID(), ping()); !errors.Is(err, fault.TryAgain) {
		t.Errorf("a stranger more: %v, want try_again", err)
	}
	if _, err := newClient(t, neighbor, ClientOptions{}).Ring(t.Context(), server.ID(), ping()); err != nil {
		t.Errorf("a neighbor: %v", err)
	}
	close(release)
	for range 6 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// trickle offers a body of 60 kB and sends a byte of it now and then until the stream is reset; the
// reset is told.
func trickle(t *testing.T, from, to host.Host) <-chan error {
	t.Helper()
	s := rawStream(t, from, to, FileID)
	body := 60 << 10
	if _, err := s.Write(must(AppendFrame(nil, &pb.FileRequest{BodySize: uint32(body), Body: putRequest().Body}, MaxFileMessage))); err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() {
		every := time.NewTicker(20 * time.Millisecond)
		defer every.Stop()
		for range every.C {
			if _, err := s.Write([]byte{1}); err != nil {
				gone <- err
				return
			}
		}
	}()
	return gone
}

// serveBodies takes bodies, and counts those that are coming.
func serveBodies(t *testing.T, server host.Host, opts ServeOptions) *atomic.Int32 {
	t.Helper()
	coming := new(atomic.Int32)
	closeLater(t, ServeFile(server, opts, func(_ context.Context, _ peer.ID, _ *pb.FileRequest, body *Body) (*pb.FileResponse, *Payload, error) {
		coming.Add(1)
		defer coming.Add(-1)
		_, err := io.Copy(io.Discard, body)
		return &pb.FileResponse{Body: &pb.FileResponse_Stored{Stored: &pb.Stored{Copies: 1}}}, nil, err
	}))
	return coming
}

// A stranger's body comes at the least rate on average, or the exchange ends, though bytes move all
// the time. A neighbor's may be slower.
func TestATricklingBodyEnds(t *testing.T) {
	t.Parallel()
	server, neighbor := newPair(t)
	coming := serveBodies(t, server, ServeOptions{SlowFor: 200 * time.Millisecond, Neighbor: func(p peer.ID) bool { return p == neighbor.ID() }})
	slow := trickle(t, newAsker(t, server), server)
	kept := trickle(t, neighbor, server)
	select {
	case err := <-slow:
		if !errors.Is(err, network.ErrReset) {
			t.Errorf("%v, want a reset", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("a trickling body goes on")
	}
	eventually(t, "the neighbor's body alone", func() bool { return coming.Load() == 1 })
	select {
	case err := <-kept:
		t.Errorf("the neighbor's body ended too: %v", err)
	default:
	}
}

// Strangers whose bodies trickle lose their places to those who wait, long before they would have
// to be done.
func TestTricklingBodiesGiveWay(t *testing.T) {
	t.Parallel()
	server, honest := newPair(t)
	coming := serveBodies(t, server, ServeOptions{PerPeer: 4, Total: 8, QueueTimeout: 15 * time.Second, SlowFor: time.Hour})
	for range 2 {
		stranger := newAsker(t, server)
		for range 6 { // more than there are places for
			trickle(t, stranger, server)
		}
	}
	eventually(t, "all places taken", func() bool { return coming.Load() == 6 })
	c := newClient(t, honest, ClientOptions{Progress: 20 * time.Second})
	for range 3 {
		reply, err := c.File(t.Context(), server.ID(), putRequest(), []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		_ = reply.Close()
	}
}
