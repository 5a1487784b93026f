package protocol

import (
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// Record is a verified *pb.Record. It is not to be changed.
type Record struct {
	*pb.RecordBody
	Message *pb.Record // what was verified, to be kept and passed on
	By      peer.ID    // RecordBody.Writer
}

// Sign fills in body.Writer and signs it. It refuses what VerifyRecord would.
func Sign(key crypto.PrivKey, body *pb.RecordBody) (*pb.Record, error) {
	return nil, errors.ErrUnsupported
}

// VerifyRecord checks r's signature and every rule of SPEC.md that needs no clock.
// Errors are of the kind fault.Integrity.
func VerifyRecord(r *pb.Record) (*Record, error) {
	return nil, errors.ErrUnsupported
}

// Key is the key under which the ring keeps the record.
func (r *Record) Key() ring.Key { return Place(r.GetName(), r.GetIndex()) }

// StampOf identifies the version within its place for the store: 8 bytes of clock,
// big-endian, and the writer for a file, so that byte order is version order; the
// hash for a block.
func StampOf(r *Record) string { return "" }

// BlockSize is how many bytes belong to the record itself: the file's first block, or the block.
func (r *Record) BlockSize() int { return 0 }

// BlockHash is the hash of those bytes; zero when there are none.
func (r *Record) BlockHash() [HashSize]byte { return [HashSize]byte{} }

// BlockCount is how many blocks a file has: 0 for an empty one, a tombstone, and the record of a block.
func (r *Record) BlockCount() int { return 0 }

// BlockAt is the hash and size of block i of a file, i < BlockCount.
func (r *Record) BlockAt(i int) ([HashSize]byte, int) { return [HashSize]byte{}, 0 }

// Clock is a hybrid logical clock: milliseconds since 1970 << 16, and a counter.
func Clock(t time.Time) uint64 { return uint64(t.UnixMilli()) << 16 }

// CheckClock refuses a version whose clock is more than 10 minutes ahead of now. It
// is for whoever takes in a new version; kept ones are not asked again.
func CheckClock(clock uint64, now time.Time) error { return errors.ErrUnsupported }
