package signed

import (
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// Members says who may be in the ring of a private network at present. Its methods don't wait.
type Members interface {
	// ID is the network.
	ID() statement.NetworkID
	// Place is where on the ring a peer belongs, as HOST:PORT. It is false for peers that must not
	// be in the ring.
	Place(peer.ID) (string, bool)
}

// Ring is the ring that descriptions of peers are for. The zero Ring is an open one.
type Ring struct {
	Members Members // nil in an open ring
}

// Network is the private network of the ring; zero in an open ring.
func (r Ring) Network() statement.NetworkID {
	if r.Members == nil {
		return statement.NetworkID{}
	}
	return r.Members.ID()
}

// Describe describes h itself for the ring.
func (r Ring) Describe(h host.Host, address RingAddress) (*pb.Peer, error) {
	return MakePeerIn(r.Network(), h, address)
}

// Parse verifies a description. In a private ring the peer must be granted the place that it names;
// otherwise the error is of the kind fault.NotAllowed. It is of the kind fault.Integrity if the
// description is not valid, or not for this ring.
func (r Ring) Parse(p *pb.Peer) (PeerInfo, error) {
	info, err := ParsePeerIn(r.Network(), p)
	if err == nil && !r.Admits(info.Position) {
		return PeerInfo{}, fault.New(fault.NotAllowed, "%s is not granted the place %q in this private ring", info.ID, info.RingAddress)
	}
	return info, err
}

// Admits reports whether a peer may be in the ring at a position. In an open ring everybody may,
// anywhere.
func (r Ring) Admits(at ring.Position) bool {
	if r.Members == nil {
		return true
	}
	address, ok := r.Place(peer.ID(at.ID))
	return ok && PositionOf(peer.ID(at.ID), address) == at
}

// Place is the ring address that a peer of a private ring is granted. It is false in an open ring,
// where peers choose theirs.
func (r Ring) Place(id peer.ID) (RingAddress, bool) {
	if r.Members == nil {
		return RingAddress{}, false
	}
	place, ok := r.Members.Place(id)
	if !ok {
		return RingAddress{}, false
	}
	address, err := ParseRingAddress(place)
	return address, err == nil && !address.IsZero()
}
