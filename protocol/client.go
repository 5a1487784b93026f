package protocol

import (
	"context"
	"errors"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/protocol/pb"
)

// ErrNoAnswer is wrapped by the error of a request that has been sent, perhaps in
// part, and not answered: it may have been carried out. A request that fails
// without it, and without an answer, has not been.
var ErrNoAnswer = errors.New("no answer")

// Client asks other peers. It may be used from many goroutines.
//
// An answer with a status other than 0 becomes an error of that kind, or an
// *Elsewhere. It is returned together with the answer, which is nil exactly when
// there was none. Of what an answer holds, only the shape is checked.
type Client struct{}

// NewClient returns a Client over h, which it doesn't own.
func NewClient(h host.Host, opts ClientOptions) *Client { return nil }

// Close closes the idle streams and waits for what the Client started.
func (c *Client) Close() error { return nil }

// Ring asks one request of the ring protocol.
func (c *Client) Ring(ctx context.Context, to peer.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
	return nil, errors.ErrUnsupported
}

// Bootstrap asks one request of the bootstrap protocol.
func (c *Client) Bootstrap(ctx context.Context, to peer.ID, req *pb.BootstrapRequest) (*pb.BootstrapResponse, error) {
	return nil, errors.ErrUnsupported
}

// File asks one request of the file protocol, with body after it: at once when it
// is small, otherwise when the peer says that it needs it. It sets req.BodySize and
// req.Offer. When the error is nil the reply must be closed.
func (c *Client) File(ctx context.Context, to peer.ID, req *pb.FileRequest, body []byte) (*FileReply, error) {
	return nil, errors.ErrUnsupported
}

// FileReply is an answer of the file protocol and the raw bytes that follow it.
type FileReply struct {
	Response *pb.FileResponse
	// Relayed says that it came through a relay.
	Relayed bool
}

// Size is how many raw bytes there are; 0 when none.
func (r *FileReply) Size() int { return 0 }

// Read reads the bytes. It returns io.EOF after exactly Size of them and fails when
// none moves for the progress timeout, or when the request's context ends.
func (r *FileReply) Read(p []byte) (int, error) { return 0, errors.ErrUnsupported }

// Close ends the exchange. It may be called more than once.
func (r *FileReply) Close() error { return nil }
