package request

import (
	"context"
	"io"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// Reply is an answer of the file protocol and the raw bytes behind it, from another peer or from
// this node itself. Close must be called.
type Reply struct {
	*pb.FileResponse
	Payload io.Reader // of Size bytes; nil if there are none
	Size    int
	Relayed bool // it came through a relay
	Sent    int  // bytes of the request's body that had to be sent
	Close   func()
}

// Caller sends one request of the file protocol and returns the answer. When err is not nil the
// Reply is nil, or holds no more than the answer's message.
type Caller func(ctx context.Context, to peer.ID, req *pb.FileRequest, body []byte) (*Reply, error)

// Remote returns a Caller that asks other peers through client.
func Remote(client *protocol.Client) Caller {
	return func(ctx context.Context, to peer.ID, req *pb.FileRequest, body []byte) (*Reply, error) {
		r, err := client.File(ctx, to, req, body)
		if r == nil {
			return nil, err
		}
		return &Reply{
			FileResponse: r.Response, Payload: r, Size: r.Size(), Relayed: r.Relayed, Sent: r.Sent,
			Close: func() { _ = r.Close() }, // the answer has been read, or is not wanted any more
		}, err
	}
}
