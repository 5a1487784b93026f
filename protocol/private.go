package protocol

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/admit"
)

// ErrRevoked is wrapped by the error of a request of a peer that knows that it was revoked from its
// private network: no other peer will answer it either.
var ErrRevoked = errors.New("this peer was revoked")

// failure makes err one that users understand, also where a peer of a private network has refused
// one of an open ring. Such a peer resets every stream, and tells what it is by its protocols.
func (c *Client) failure(ctx context.Context, to peer.ID, err error, at stage) error {
	var reset *network.StreamError
	if errors.As(err, &reset) && reset.Remote && c.isPrivate(to) && !slices.Contains(c.host.Mux().Protocols(), admit.ID) {
		return &fault.Error{
			Code: fault.NotAllowed,
			Msg:  fmt.Sprintf("peer %s belongs to a private network, of which this one is not a member: join it with a code of one of its admins, or give the --data folder that has joined it", to),
			Err:  err,
		}
	}
	return failure(ctx, to, err, at)
}

// isPrivate reports whether a peer has said that it belongs to a private network.
func (c *Client) isPrivate(p peer.ID) bool {
	known, err := c.host.Peerstore().SupportsProtocols(p, admit.ID)
	return err == nil && len(known) > 0
}
