package limits

import (
	"context"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
)

// Access decides which peers may use a private host. Its methods are called from many goroutines,
// as soon as the host runs.
type Access interface {
	// Known reports whether a peer is a member as far as is known, so that its connections don't
	// count as those of strangers.
	Known(peer.ID) bool
	// Admitted reports whether a peer may open streams of all protocols. Others may open those of
	// OpenProtocols, and identify.
	Admitted(peer.ID) bool
	// Await waits until a peer lets this host open streams of all protocols, or fails.
	Await(context.Context, peer.ID) error
	// Refused reports whether connections of a peer are closed as soon as it is known whose they
	// are.
	Refused(peer.ID) bool
	// OpenProtocols lists the protocols that are open to everybody.
	OpenProtocols() []protocol.ID
}

// OpenToAll reports whether streams of these protocols need no admission.
func OpenToAll(a Access, ids ...protocol.ID) bool {
	return !slices.ContainsFunc(ids, func(id protocol.ID) bool {
		return id != identify.ID && !slices.Contains(a.OpenProtocols(), id)
	})
}
