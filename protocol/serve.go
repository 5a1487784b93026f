package protocol

import (
	"context"
	"errors"
	"io"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/protocol/pb"
)

// Handlers of requests. from is who asks, proved by the connection; a Peer named
// "from" or "self" in the request has been verified to be from.
//
// An error becomes the answer's status: its kind, and the words of a *fault.Error or
// *Elsewhere; of other errors only that it failed. A response returned beside an
// error is sent with it.
type (
	RingHandler      func(ctx context.Context, from peer.ID, req *pb.RingRequest) (*pb.RingResponse, error)
	BootstrapHandler func(ctx context.Context, from peer.ID, req *pb.BootstrapRequest) (*pb.BootstrapResponse, error)
	FileHandler      func(ctx context.Context, from peer.ID, req *pb.FileRequest, body *Body) (*pb.FileResponse, *Payload, error)
)

// Payload is the raw bytes that follow an answer: Bytes, or Size bytes from Reader.
type Payload struct {
	Bytes  []byte
	Reader io.Reader
	Size   int // of Reader
	// Release, when set, is called once when the bytes have gone out or never will.
	Release func()
}

// Body is the raw bytes that follow a request. It is read in the handler's
// goroutine and not after the handler has returned.
type Body struct{}

// Size is how many bytes there are; 0 when none.
func (b *Body) Size() int { return 0 }

// Offered reports whether the bytes come only when they are asked for. A handler
// that doesn't need them answers without reading.
func (b *Body) Offered() bool { return false }

// Read reads the bytes, asking for them first when they are offered. It returns
// io.EOF after exactly Size of them and fails when none moves for the progress timeout.
func (b *Body) Read(p []byte) (int, error) { return 0, errors.ErrUnsupported }

// Service answers one protocol on a host until it is closed.
type Service struct{}

// Close stops taking requests, ends those that run, and waits for them.
func (s *Service) Close() error { return nil }

// ServeRing answers the ring protocol.
func ServeRing(h host.Host, opts ServeOptions, f RingHandler) *Service { return nil }

// ServeBootstrap answers the bootstrap protocol.
func ServeBootstrap(h host.Host, opts ServeOptions, f BootstrapHandler) *Service { return nil }

// ServeFile answers the file protocol.
func ServeFile(h host.Host, opts ServeOptions, f FileHandler) *Service { return nil }
