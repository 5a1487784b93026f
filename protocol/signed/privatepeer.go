package signed

import (
	"encoding/binary"
	"slices"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/internal/frame"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// PrivatePeerDomain precedes what a member of a private ring signs of itself.
const PrivatePeerDomain = "p2pchord-peer:"

// MakePeerIn describes h itself for a private ring, or for an open one if network is zero: its ring
// address, and its present addresses. Errors are of the kind fault.Failed.
func MakePeerIn(network statement.NetworkID, h host.Host, address RingAddress) (*pb.Peer, error) {
	key := h.Peerstore().PrivKey(h.ID())
	if key == nil {
		return nil, fault.New(fault.Failed, "the host %s has no private key to sign with", h.ID())
	}
	envelope, err := selfRecord(h, key)
	if err != nil {
		return nil, fault.New(fault.Failed, "sign this peer's addresses: %w", err)
	}
	return DescribeIn(network, key, address, envelope)
}

// DescribeIn describes the peer with a key for a private ring, or for an open one if network is
// zero. In a private ring it must have a ring address. envelope, which has its addresses, may be
// nil. Errors are of the kind fault.Failed.
func DescribeIn(network statement.NetworkID, key crypto.PrivKey, address RingAddress, envelope *record.Envelope) (*pb.Peer, error) {
	if network.IsZero() {
		return Describe(key, address, envelope)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, fault.New(fault.Failed, "describe this peer: %w", err)
	}
	if err := address.check(); err != nil {
		return nil, err
	}
	p := &pb.Peer{Id: []byte(id), RingAddress: address.Hashed(), RingHostLength: uint32(len(address.Host)), Network: network[:]} //nolint:gosec // short
	var seq uint64
	if envelope != nil {
		if p.Record, seq, err = numbered(envelope); err != nil {
			return nil, fault.New(fault.Failed, "describe this peer: %w", err)
		}
	}
	if p.NetworkSignature, err = key.Sign(privateText(network, seq, address, p.GetRecord())); err != nil {
		return nil, fault.New(fault.Failed, "describe this peer: %w", err)
	}
	return p, nil
}

// numbered returns the encoding of a signed peer record, and its number.
func numbered(envelope *record.Envelope) ([]byte, uint64, error) {
	encoded, err := envelope.Marshal()
	if err != nil {
		return nil, 0, err
	}
	var content peer.PeerRecord
	err = envelope.TypedRecord(&content)
	return encoded, content.Seq, err
}

// privateText is what a member of a private ring signs: no part of it can be taken from an older
// description, or into another network.
func privateText(network statement.NetworkID, seq uint64, address RingAddress, rec []byte) []byte {
	place := address.String()
	b := Text(PrivatePeerDomain, network[:])
	b = binary.BigEndian.AppendUint64(b, seq)
	b = binary.BigEndian.AppendUint16(b, uint16(len(place))) //nolint:gosec // a HOST has 253 bytes at most
	return slices.Concat(b, []byte(place), rec)
}

// ParsePeerIn verifies p in a private ring, or in an open one if network is zero. Whether the peer
// belongs to the network, at that place, is not decided here. Errors are of the kind
// fault.Integrity. A Peer that was verified lately costs one hash of its bytes.
func ParsePeerIn(network statement.NetworkID, p *pb.Peer) (PeerInfo, error) {
	if network.IsZero() {
		return ParsePeer(p)
	}
	if n := proto.Size(p); n > MaxKeptPeer {
		return PeerInfo{}, fault.New(fault.Integrity, "the description of a peer has %d bytes, more than %d", n, MaxKeptPeer)
	}
	known := privateFingerprint(network, p)
	info, ok := verifiedPeers.get(known)
	if !ok {
		var err error
		if info, err = verifyPrivatePeer(network, p); err != nil {
			return PeerInfo{}, fault.New(fault.Integrity, "the description of a peer is not valid: %w", err)
		}
		verifiedPeers.put(known, info)
	}
	info.Message = p
	return info, nil
}

func verifyPrivatePeer(network statement.NetworkID, p *pb.Peer) (PeerInfo, error) {
	id, err := ParsePeerID(p.GetId())
	if err != nil {
		return PeerInfo{}, err
	}
	key, err := id.ExtractPublicKey()
	switch {
	case err != nil || !id.MatchesPublicKey(key):
		return PeerInfo{}, frame.Malformed("%s is not written the way its public key demands", id)
	case len(p.GetNetwork()) == 0:
		return PeerInfo{}, frame.Malformed("%s describes itself as a peer of an open ring; this ring is private", id)
	case string(p.GetNetwork()) != string(network[:]):
		return PeerInfo{}, frame.Malformed("%s belongs to another network", id)
	}
	info := PeerInfo{ID: id, Bound: true}
	if len(p.GetRecord()) > 0 {
		if err := info.takeEnvelope(p.GetRecord()); err != nil {
			return PeerInfo{}, err
		}
	}
	if info.RingAddress, err = SplitRingAddress(p.GetRingAddress(), p.GetRingHostLength()); err != nil {
		return PeerInfo{}, err
	}
	if info.RingAddress.IsZero() {
		return PeerInfo{}, frame.Malformed("%s names no place on the ring", id)
	}
	sig := p.GetNetworkSignature()
	if ok, err := key.Verify(privateText(network, info.Seq, info.RingAddress, p.GetRecord()), sig); len(sig) > MaxPeerProof || err != nil || !ok {
		return PeerInfo{}, frame.Malformed("%s has not signed the place %q together with this network and record", id, info.RingAddress)
	}
	info.Position = PositionOf(id, info.RingAddress)
	info.trim(len(p.GetRecord()))
	return info, nil
}
