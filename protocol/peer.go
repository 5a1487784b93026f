package protocol

import (
	"errors"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// PeerInfo is what a verified *pb.Peer says. It is shared: don't change what it points to.
type PeerInfo struct {
	ID          peer.ID
	RingAddress RingAddress
	Position    ring.Position
	// Envelope is the signed peer record, for a certified address book; nil when the
	// peer is only known by its ID. Addrs and Seq are what it holds.
	Envelope *record.Envelope
	Addrs    []ma.Multiaddr
	Seq      uint64
	// Message is what was parsed, to be passed on.
	Message *pb.Peer
}

// MakePeer describes h itself: with its present addresses and the ring address,
// both signed by h's key.
func MakePeer(h host.Host, address RingAddress) (*pb.Peer, error) {
	return nil, errors.ErrUnsupported
}

// ParsePeer verifies p: its proof of the ring address and its signed peer record,
// both by that same peer, and computes its position. Errors are of the kind fault.Integrity.
func ParsePeer(p *pb.Peer) (PeerInfo, error) {
	return PeerInfo{}, errors.ErrUnsupported
}

// PositionOf is the position of a peer with this ring address, which may be zero.
func PositionOf(id peer.ID, address RingAddress) ring.Position {
	key := ring.Hash(id.String())
	if !address.IsZero() {
		key = address.Key()
	}
	return ring.Position{Key: key, ID: ring.ID(id)}
}
