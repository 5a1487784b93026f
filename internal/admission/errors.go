package admission

import (
	"errors"

	libp2pnet "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multistream"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/admit"
)

// errNoMember means that a peer is no member.
var errNoMember = errors.New("it is not a member")

// failed explains why an exchange with a peer failed.
func (a *Admission) failed(p peer.ID, err error) error {
	var stream *libp2pnet.StreamError
	var conn *libp2pnet.ConnError
	switch {
	case errors.Is(err, errNoMember), errors.Is(err, admit.ErrInvalid), errors.Is(err, multistream.ErrNotSupported[protocol.ID]{}):
		return fault.New(fault.NotAllowed, "%s is not a member of the private network %s", p, a.network.ID().Short())
	case errors.As(err, &stream) && stream.Remote && stream.ErrorCode == libp2pnet.StreamGated,
		errors.As(err, &conn) && conn.Remote && conn.ErrorCode == libp2pnet.ConnGated:
		return fault.New(fault.NotAllowed, "%s doesn't let this peer into the private network %s: it is not a member there, was revoked, or its grant has ended", p, a.network.ID().Short())
	}
	return fault.New(fault.Unreachable, "%s didn't answer about admission to the private network %s: %w", p, a.network.ID().Short(), fault.OneLine(err))
}
