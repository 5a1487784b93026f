package signed

import (
	"encoding/binary"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/duration"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/internal/frame"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// RecordDomain precedes the body where it is signed, so that the signature serves nothing else.
const RecordDomain = "p2pchord-record:"

// maxAhead is how far ahead of the present a new version's clock may be.
const maxAhead = 10 * time.Minute

// Record is a verified *pb.Record. It is not to be changed.
type Record struct {
	*pb.RecordBody
	Message *pb.Record // what was verified, to be kept and passed on
	By      peer.ID    // RecordBody.Writer
}

// Sign sets body.Writer to the key's peer, encodes body and signs it. It refuses
// what VerifyRecord would, with an error of the kind fault.Usage.
func Sign(key crypto.PrivKey, body *pb.RecordBody) (*pb.Record, error) {
	writer, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, fault.New(fault.Failed, "sign a record: %w", err)
	}
	body.Writer = []byte(writer)
	if err := checkBody(body); err != nil {
		return nil, fault.New(fault.Usage, "sign a record: %w", err)
	}
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(body)
	if err != nil {
		return nil, fault.New(fault.Failed, "sign a record: %w", err)
	}
	r := &pb.Record{Body: encoded}
	if r.Signature, err = key.Sign(Text(RecordDomain, encoded)); err != nil {
		return nil, fault.New(fault.Failed, "sign a record: %w", err)
	}
	if _, err := writer.ExtractPublicKey(); err != nil {
		if r.PublicKey, err = crypto.MarshalPublicKey(key.GetPublic()); err != nil {
			return nil, fault.New(fault.Failed, "sign a record: %w", err)
		}
	}
	if n := proto.Size(r); n > MaxRecord {
		return nil, fault.New(fault.Usage, "sign a record: it has %d bytes, more than %d", n, MaxRecord)
	}
	return r, nil
}

// VerifyRecord checks r's signature and every rule for records in SPEC.md that needs
// no clock. Errors are of the kind fault.Integrity.
//
// A record that was verified lately costs one hash of its bytes.
//
// What was signed is kept as it came, so fields unknown here stay part of it.
func VerifyRecord(r *pb.Record) (*Record, error) {
	rec, err := verifyRecord(r)
	if err != nil {
		return nil, fault.New(fault.Integrity, "the record is not valid: %w", err)
	}
	return rec, nil
}

func verifyRecord(r *pb.Record) (*Record, error) {
	if n := proto.Size(r); n > MaxRecord {
		return nil, frame.Malformed("it has %d bytes, more than %d", n, MaxRecord)
	}
	body := new(pb.RecordBody)
	if err := frame.Unmarshal(r.GetBody(), body); err != nil {
		return nil, err
	}
	if err := checkBody(body); err != nil {
		return nil, err
	}
	writer, err := ParsePeerID(body.Writer)
	if err != nil {
		return nil, err
	}
	key, err := writerKey(writer, r.GetPublicKey())
	if err != nil {
		return nil, err
	}
	known := recordFingerprint(r)
	if _, ok := verifiedRecords.get(known); !ok {
		ok, err := key.Verify(Text(RecordDomain, r.Body), r.GetSignature())
		if err != nil || !ok {
			return nil, frame.Malformed("its signature is not that of its writer %s", writer)
		}
		verifiedRecords.put(known, struct{}{})
	}
	return &Record{RecordBody: body, Message: r, By: writer}, nil
}

// writerKey is the public key of writer: the one in its ID, or given beside it.
func writerKey(writer peer.ID, given []byte) (crypto.PubKey, error) {
	key, err := writer.ExtractPublicKey()
	switch {
	case err == nil && len(given) > 0:
		return nil, frame.Malformed("it carries a public key although the writer's ID holds it")
	case err != nil && len(given) == 0:
		return nil, frame.Malformed("the public key of its writer %s is missing", writer)
	case err != nil && len(given) > 0:
		if key, err = crypto.UnmarshalPublicKey(given); err != nil {
			return nil, frame.Malformed("its public key can't be read: %w", err)
		}
	}
	if !writer.MatchesPublicKey(key) {
		return nil, frame.Malformed("its public key is not that of its writer %s", writer)
	}
	return key, nil
}

// Text returns what is signed of text: the domain, then the text.
func Text(domain string, text []byte) []byte {
	return append(append(make([]byte, 0, len(domain)+len(text)), domain...), text...)
}

// Key is the key under which the ring keeps the record.
func (r *Record) Key() ring.Key { return Place(r.GetName(), r.GetIndex()) }

// Version is the version that a record of a file describes; for a block's record, the one it was
// written with.
func (r *Record) Version() *pb.Version {
	return &pb.Version{Clock: r.GetClock(), Writer: r.GetWriter()}
}

// StampOf identifies the version within its place for the store: 8 bytes of clock,
// big-endian, and the writer for a file, so that byte order is version order; the
// 32 bytes of the hash for a block.
func StampOf(r *Record) string {
	if r.GetIndex() > 0 {
		return string(r.GetHash())
	}
	return StampOfVersion(r.GetClock(), r.By)
}

// StampOfVersion is the stamp of a file's version.
func StampOfVersion(clock uint64, writer peer.ID) string {
	return string(binary.BigEndian.AppendUint64(nil, clock)) + string(writer)
}

// VersionOf is the version with this stamp of a file.
func VersionOf(stamp string) (*pb.Version, error) {
	if len(stamp) <= 8 || len(stamp) > 8+MaxPeerID {
		return nil, fault.New(fault.Integrity, "a stamp of %d bytes is not that of a version", len(stamp))
	}
	return &pb.Version{Clock: binary.BigEndian.Uint64([]byte(stamp[:8])), Writer: []byte(stamp[8:])}, nil
}

// BlockCount is how many blocks a file has: 0 for an empty one, for a tombstone, and for the record
// of a block.
func (r *Record) BlockCount() int { return len(r.GetBlocks()) / HashSize }

// BlockAt is the hash and the bytes of block i of a file, 0 <= i < BlockCount.
func (r *Record) BlockAt(i int) (hash [HashSize]byte, size int) {
	copy(hash[:], r.GetBlocks()[i*HashSize:])
	start := uint64(i) * uint64(r.GetBlockSize())
	return hash, int(min(uint64(r.GetBlockSize()), r.GetSize()-start))
}

// BlockSize is how many bytes go with the record itself: those of the file's first block, or of the
// block.
func (r *Record) BlockSize() int {
	if r.GetIndex() > 0 {
		return int(r.GetSize())
	}
	return int(min(uint64(r.GetBlockSize()), r.GetSize()))
}

// BlockHash is the hash of those bytes; zero when there are none.
func (r *Record) BlockHash() (hash [HashSize]byte) {
	switch {
	case r.GetIndex() > 0:
		copy(hash[:], r.GetHash())
	case r.BlockCount() > 0:
		copy(hash[:], r.GetBlocks())
	}
	return hash
}

// Clock is the hybrid logical clock at t with counter 0: milliseconds since 1970 << 16.
func Clock(t time.Time) uint64 { return uint64(max(t.UnixMilli(), 0)) << 16 }

// ClockTime is the time of a clock.
func ClockTime(clock uint64) time.Time { return time.UnixMilli(int64(clock >> 16)) }

// CheckClock refuses a version whose clock is more than 10 minutes ahead of now, with
// fault.NotAllowed. It is for whoever takes in a new version; those that are kept are not asked
// again.
func CheckClock(clock uint64, now time.Time) error {
	if ahead := ClockTime(clock).Sub(now); ahead > maxAhead {
		return fault.New(fault.NotAllowed, "the version's clock is %s ahead: set the clock of the machine that wrote it", duration.String(ahead.Round(time.Second)))
	}
	return nil
}
