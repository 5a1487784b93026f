package signed

import (
	"slices"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/internal/frame"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// RingAddressDomain precedes the ring address where it is signed.
const RingAddressDomain = "p2pchord-ring-address:"

// statementDomain precedes ring address and record where they are signed as one.
const statementDomain = "p2pchord-peer-statement:"

const (
	// MaxPeer bounds an encoded Peer in bytes.
	MaxPeer = MaxEnvelope + 2*MaxPeerProof + MaxPeerID + 512
	// MaxKeptPeer is how many bytes of an encoded Peer are kept and passed on. Of a longer one the
	// record is left out.
	MaxKeptPeer = 2048
	// MaxKeptAddrs is how many addresses of a peer are kept.
	MaxKeptAddrs = 16
)

// PeerInfo is what a verified *pb.Peer says. It is shared: don't change what it points to.
type PeerInfo struct {
	ID          peer.ID
	RingAddress RingAddress
	Position    ring.Position
	// Envelope is the signed peer record, for a certified address book; nil when the peer says
	// nothing of its addresses, or more than is kept. Addrs are the first of them, MaxKeptAddrs at
	// most, and Seq is the record's number.
	Envelope *record.Envelope
	Addrs    []ma.Multiaddr
	Seq      uint64
	// Bound means that the peer has signed its ring address and its record as one, as all do in a
	// private ring.
	Bound bool
	// Message is what is kept of what was parsed, MaxKeptPeer bytes at most, to be passed on.
	Message *pb.Peer
}

// MakePeer describes h itself in an open ring: its ring address, which may be zero, and its present
// addresses, both signed by h's key. Errors are of the kind fault.Failed.
func MakePeer(h host.Host, address RingAddress) (*pb.Peer, error) {
	return MakePeerIn(statement.NetworkID{}, h, address)
}

// selfRecord is the record that the host keeps of its own addresses, signed anew
// whenever they change; a host that keeps none gets one made.
func selfRecord(h host.Host, key crypto.PrivKey) (*record.Envelope, error) {
	if book, ok := peerstore.GetCertifiedAddrBook(h.Peerstore()); ok {
		if envelope := book.GetPeerRecord(h.ID()); envelope != nil {
			return envelope, nil
		}
	}
	return record.Seal(peer.PeerRecordFromAddrInfo(peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()}), key)
}

// DescribePeer describes the peer with a key: its ring address, which may be zero, and no
// addresses. Errors are of the kind fault.Failed.
func DescribePeer(key crypto.PrivKey, address RingAddress) (*pb.Peer, error) {
	return Describe(key, address, nil)
}

// Describe describes the peer with a key: its ring address, which may be zero, and the addresses in
// envelope, which may be nil. Errors are of the kind fault.Failed.
func Describe(key crypto.PrivKey, address RingAddress, envelope *record.Envelope) (*pb.Peer, error) {
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, fault.New(fault.Failed, "describe this peer: %w", err)
	}
	p := &pb.Peer{Id: []byte(id)}
	if envelope != nil {
		if p.Record, err = envelope.Marshal(); err != nil {
			return nil, fault.New(fault.Failed, "describe this peer: %w", err)
		}
	}
	if !address.IsZero() {
		if err := address.check(); err != nil {
			return nil, err
		}
		p.RingAddress, p.RingHostLength = address.Hashed(), uint32(len(address.Host))
	}
	if p.RingSignature, err = key.Sign(Text(RingAddressDomain, []byte(address.String()))); err != nil {
		return nil, fault.New(fault.Failed, "describe this peer: %w", err)
	}
	if p.StatementSignature, err = key.Sign(statementText(address, p.GetRecord())); err != nil {
		return nil, fault.New(fault.Failed, "describe this peer: %w", err)
	}
	return p, nil
}

// statementText is what binds a ring address to a record.
func statementText(address RingAddress, record []byte) []byte {
	return Text(statementDomain, slices.Concat([]byte(address.String()), []byte{0}, record))
}

// ParsePeer verifies p: its ring address and its signed peer record, both by that
// same peer, and computes its position. Errors are of the kind fault.Integrity.
// A Peer that was verified lately costs one hash of its bytes.
func ParsePeer(p *pb.Peer) (PeerInfo, error) {
	if n := proto.Size(p); n > MaxPeer {
		return PeerInfo{}, fault.New(fault.Integrity, "the description of a peer has %d bytes, more than %d", n, MaxPeer)
	}
	known := fingerprint(p)
	info, ok := verifiedPeers.get(known)
	if !ok {
		var err error
		if info, err = VerifyPeer(p); err != nil {
			return PeerInfo{}, fault.New(fault.Integrity, "the description of a peer is not valid: %w", err)
		}
		verifiedPeers.put(known, info)
	}
	info.Message = keptPart(p)
	return info, nil
}

// keptPart is p, or p without its record where that would be too much to keep.
func keptPart(p *pb.Peer) *pb.Peer {
	if proto.Size(p) <= MaxKeptPeer {
		return p
	}
	return &pb.Peer{Id: p.GetId(), RingAddress: p.GetRingAddress(), RingHostLength: p.GetRingHostLength(), RingSignature: p.GetRingSignature()}
}

// VerifyPeer is ParsePeer without the memory of peers that were verified lately, and without what
// is to be passed on.
func VerifyPeer(p *pb.Peer) (PeerInfo, error) {
	id, err := ParsePeerID(p.GetId())
	if err != nil {
		return PeerInfo{}, err
	}
	info := PeerInfo{ID: id}
	if len(p.GetRecord()) > 0 {
		if err := info.takeEnvelope(p.GetRecord()); err != nil {
			return PeerInfo{}, err
		}
	}
	if info.RingAddress, err = SplitRingAddress(p.GetRingAddress(), p.GetRingHostLength()); err != nil {
		return PeerInfo{}, err
	}
	key, err := id.ExtractPublicKey()
	if err != nil {
		if info.Envelope == nil {
			return PeerInfo{}, frame.Malformed("%s has no public key in its ID, and no signed record that holds it", id)
		}
		key = info.Envelope.PublicKey
	}
	if !id.MatchesPublicKey(key) {
		return PeerInfo{}, frame.Malformed("%s is not written the way its public key demands", id)
	}
	if n := len(p.GetRingSignature()); n == 0 || n > MaxPeerProof {
		return PeerInfo{}, frame.Malformed("the ring signature of %s has %d bytes", id, n)
	}
	ok, err := key.Verify(Text(RingAddressDomain, []byte(info.RingAddress.String())), p.GetRingSignature())
	if err != nil || !ok {
		return PeerInfo{}, frame.Malformed("%s has not signed the ring address %q", id, info.RingAddress)
	}
	if sig := p.GetStatementSignature(); len(sig) > 0 && info.Envelope != nil {
		if ok, err := key.Verify(statementText(info.RingAddress, p.GetRecord()), sig); len(sig) > MaxPeerProof || err != nil || !ok {
			return PeerInfo{}, frame.Malformed("%s has not signed the ring address %q together with this record", id, info.RingAddress)
		}
		info.Bound = true
	}
	info.Position = PositionOf(id, info.RingAddress)
	info.trim(len(p.GetRecord()))
	return info, nil
}

// trim drops what is more than is kept of a record with so many bytes.
func (i *PeerInfo) trim(recordBytes int) {
	if recordBytes > MaxKeptPeer || len(i.Addrs) > MaxKeptAddrs {
		i.Envelope = nil
	}
	room := MaxKeptPeer
	for n, a := range i.Addrs {
		if room -= len(a.Bytes()); room < 0 || n == MaxKeptAddrs {
			i.Addrs = slices.Clone(i.Addrs[:n])
			break
		}
	}
}

// takeEnvelope verifies a signed peer record and that it is i's own.
func (i *PeerInfo) takeEnvelope(b []byte) error {
	if len(b) > MaxEnvelope {
		return frame.Malformed("the signed record of %s has %d bytes, more than %d", i.ID, len(b), MaxEnvelope)
	}
	envelope, content, err := record.ConsumeEnvelope(b, peer.PeerRecordEnvelopeDomain)
	if err != nil {
		return frame.Malformed("the signed record of %s: %w", i.ID, err)
	}
	r, ok := content.(*peer.PeerRecord)
	if !ok {
		return frame.Malformed("the signed record of %s is none of a peer", i.ID)
	}
	if r.PeerID != i.ID || !i.ID.MatchesPublicKey(envelope.PublicKey) {
		return frame.Malformed("the signed record of %s is another peer's", i.ID)
	}
	i.Envelope, i.Addrs, i.Seq = envelope, r.Addrs, r.Seq
	return nil
}

// SplitRingAddress divides what is hashed into HOST and PORT.
func SplitRingAddress(hashed string, hostLength uint32) (RingAddress, error) {
	if hashed == "" && hostLength == 0 {
		return RingAddress{}, nil
	}
	if uint64(hostLength) > uint64(len(hashed)) {
		return RingAddress{}, frame.Malformed("the host of a ring address of %d bytes has %d", len(hashed), hostLength)
	}
	a := RingAddress{Host: hashed[:hostLength], Port: hashed[hostLength:]}
	if err := a.check(); err != nil {
		return RingAddress{}, frame.Malformed("%w", err)
	}
	return a, nil
}

// PositionOf is the position of a peer with this ring address, which may be zero.
func PositionOf(id peer.ID, address RingAddress) ring.Position {
	key := ring.Hash(id.String())
	if !address.IsZero() {
		key = address.Key()
	}
	return ring.Position{Key: key, ID: ring.ID(id)}
}
