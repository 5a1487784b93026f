package protocol

import (
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/internal/frame"
	"github.com/p2pchord/p2pchord/protocol/internal/wire"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// The names of packages signed, frame, and wire, for users of this package.
type (
	// PeerInfo is what a verified *pb.Peer says.
	PeerInfo = signed.PeerInfo
	// RingAddress is the HOST and PORT whose hash is a node's key.
	RingAddress = signed.RingAddress
	// Ring is the ring that descriptions of peers are for: an open or a private one.
	Ring = signed.Ring
	// Members says who may be in the ring of a private network.
	Members = signed.Members
	// Record is a verified *pb.Record.
	Record = signed.Record
)

// Limits of what is signed; see package signed.
const (
	MaxPeer      = signed.MaxPeer
	MaxKeptPeer  = signed.MaxKeptPeer
	MaxKeptAddrs = signed.MaxKeptAddrs
	MaxRecord    = signed.MaxRecord
	MaxBlocks    = signed.MaxBlocks
	MinBlockSize = signed.MinBlockSize
	MaxBlockSize = signed.MaxBlockSize
	MaxAncestors = signed.MaxAncestors
	MaxCopies    = signed.MaxCopies
)

// Why bytes are not a message. Errors wrap one of these, or io.ErrUnexpectedEOF when they end too
// early.
var (
	ErrMalformed = frame.ErrMalformed
	ErrTooLarge  = frame.ErrTooLarge
)

// Limits bound how fast the bytes of files go over all streams together. One Limits may be shared
// by a Client and a Service. Messages are not held back, because the ring's health must not depend
// on how much is transferred.
type Limits = wire.Limits

// NewLimit returns a limiter of so many bytes per second for Limits; nil when it is not positive.
func NewLimit(bytesPerSecond int64) *rate.Limiter { return wire.NewLimit(bytesPerSecond) }

// AppendFrame appends m to dst as it goes over a stream: its length as an unsigned varint, then its
// encoding. The error wraps ErrTooLarge when m is longer than limit bytes.
func AppendFrame(dst []byte, m proto.Message, limit int) ([]byte, error) {
	return frame.Append(dst, m, limit)
}

// CutFrame splits the first frame from b: the encoded message and what follows it. Bytes that end
// within the frame give io.ErrUnexpectedEOF, no bytes io.EOF.
func CutFrame(b []byte, limit int) (message, rest []byte, err error) { return frame.Cut(b, limit) }

// MakePeer describes h itself; see signed.MakePeer.
func MakePeer(h host.Host, address RingAddress) (*pb.Peer, error) { return signed.MakePeer(h, address) }

// DescribePeer describes the peer with a key, without addresses; see signed.DescribePeer.
func DescribePeer(key crypto.PrivKey, address RingAddress) (*pb.Peer, error) {
	return signed.DescribePeer(key, address)
}

// ParsePeer verifies a peer's description; see signed.ParsePeer.
func ParsePeer(p *pb.Peer) (PeerInfo, error) { return signed.ParsePeer(p) }

// MakePeerIn describes h itself in a private ring; see signed.MakePeerIn.
func MakePeerIn(network statement.NetworkID, h host.Host, address RingAddress) (*pb.Peer, error) {
	return signed.MakePeerIn(network, h, address)
}

// DescribePeerIn describes the peer with a key in a private ring, without addresses; see
// signed.DescribeIn.
func DescribePeerIn(network statement.NetworkID, key crypto.PrivKey, address RingAddress) (*pb.Peer, error) {
	return signed.DescribeIn(network, key, address, nil)
}

// ParsePeerIn verifies a peer's description in a private ring; see signed.ParsePeerIn.
func ParsePeerIn(network statement.NetworkID, p *pb.Peer) (PeerInfo, error) {
	return signed.ParsePeerIn(network, p)
}

// PositionOf returns the position of a peer with this ring address, which may be zero.
func PositionOf(id peer.ID, address RingAddress) ring.Position { return signed.PositionOf(id, address) }

// ParseRingAddress reads HOST:PORT; see signed.ParseRingAddress.
func ParseRingAddress(s string) (RingAddress, error) { return signed.ParseRingAddress(s) }

// Sign signs a record; see signed.Sign.
func Sign(key crypto.PrivKey, body *pb.RecordBody) (*pb.Record, error) { return signed.Sign(key, body) }

// VerifyRecord verifies a record; see signed.VerifyRecord.
func VerifyRecord(r *pb.Record) (*Record, error) { return signed.VerifyRecord(r) }

// Lineage returns what package replica needs of a record.
func Lineage(b *pb.RecordBody) replica.Record { return signed.Lineage(b) }

// CompareVersions orders versions by clock, then writer.
func CompareVersions(a, b *pb.Version) int { return signed.CompareVersions(a, b) }

// StampOf returns a record's stamp; see signed.StampOf.
func StampOf(r *Record) string { return signed.StampOf(r) }

// StampOfVersion returns the stamp of a file's version.
func StampOfVersion(clock uint64, writer peer.ID) string { return signed.StampOfVersion(clock, writer) }

// VersionOf returns the version with this stamp of a file.
func VersionOf(stamp string) (*pb.Version, error) { return signed.VersionOf(stamp) }

// Clock returns the hybrid logical clock at t with counter 0: milliseconds since 1970 << 16.
func Clock(t time.Time) uint64 { return signed.Clock(t) }

// ClockTime returns the time of a clock.
func ClockTime(clock uint64) time.Time { return signed.ClockTime(clock) }

// CheckClock refuses a version whose clock is too far ahead of now; see signed.CheckClock.
func CheckClock(clock uint64, now time.Time) error { return signed.CheckClock(clock, now) }

// SetModified sets the time of modification of a record; see signed.SetModified.
func SetModified(b *pb.RecordBody, t time.Time) { signed.SetModified(b, t) }

// ModifiedTime returns the time of modification in a record or a listing; see signed.ModifiedTime.
func ModifiedTime(m signed.Modified) time.Time { return signed.ModifiedTime(m) }

// SealedTo returns what the sealed description in a record belongs to; see signed.SealedTo.
func SealedTo(body []byte) ([]byte, error) { return signed.SealedTo(body) }

// HasTag reports whether a file is listed when a tag is asked for; see signed.HasTag.
func HasTag(tags, tag []byte) bool { return signed.HasTag(tags, tag) }

// Place returns the key under which the ring keeps the record of a file (index 0) or of its block
// i > 0.
func Place(name string, index uint32) ring.Key { return signed.Place(name, index) }

// ValidName returns nil when name may be a file's name; see signed.ValidName.
func ValidName(name string) error { return signed.ValidName(name) }

// CID returns a BLAKE3-256 hash as a CIDv1 of raw bytes.
func CID(hash [HashSize]byte) cid.Cid { return signed.CID(hash) }
