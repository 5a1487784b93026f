package signed

import (
	"bytes"
	"cmp"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/protocol/internal/frame"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
)

// Limits of records.
const (
	MaxRecord    = 2<<20 + 64<<10 // bytes of an encoded Record: the most blocks and all the rest
	MaxBlocks    = 65536          // blocks of a file
	MinBlockSize = 64 << 10       // bytes of every block but the last; a power of two
	MaxBlockSize = MaxBody        // likewise
	MaxAncestors = 16
	MaxCopies    = 8
)

// checkBody checks every rule for the fields of a record, but not its signature.
func checkBody(b *pb.RecordBody) error {
	if err := ValidName(b.GetName()); err != nil {
		return frame.Malformed("%w", err)
	}
	if _, err := ParsePeerID(b.GetWriter()); err != nil {
		return err
	}
	switch {
	case b.GetClock() == 0:
		return frame.Malformed("its clock is 0")
	case b.GetCopies() > MaxCopies:
		return frame.Malformed("it asks for %d copies, more than %d", b.GetCopies(), MaxCopies)
	}
	if err := checkAttributes(b); err != nil {
		return err
	}
	if err := checkSealed(b); err != nil {
		return err
	}
	if b.GetIndex() > 0 {
		return checkBlock(b)
	}
	if err := checkAncestors(b); err != nil {
		return err
	}
	if !Lineage(b).ValidClock() {
		return frame.Malformed("its clock is too far in the future for any version")
	}
	if b.GetDeleted() {
		return checkTombstone(b)
	}
	return checkFile(b)
}

// checkBlock checks what is particular to the record of a file's block i > 0.
func checkBlock(b *pb.RecordBody) error {
	switch {
	case b.GetIndex() >= MaxBlocks:
		return frame.Malformed("block %d is past the last that a file may have, %d", b.GetIndex(), MaxBlocks-1)
	case len(b.GetHash()) != HashSize:
		return frame.Malformed("its hash has %d bytes, not %d", len(b.GetHash()), HashSize)
	case b.GetSize() == 0 || b.GetSize() > MaxBlockSize:
		return frame.Malformed("a block has %d bytes, not 1 to %d", b.GetSize(), MaxBlockSize)
	case b.GetDeleted() || b.GetBlockSize() != 0 || len(b.GetBlocks()) > 0 || len(b.GetAncestors()) > 0 || b.GetFloor() != 0:
		return frame.Malformed("the record of a block has fields that belong to files")
	case b.GetClock() > replica.MaxClock:
		return frame.Malformed("its clock is too far in the future for any version")
	}
	return nil
}

// checkAncestors checks that the versions go down from the record's own.
func checkAncestors(b *pb.RecordBody) error {
	if len(b.GetAncestors()) > MaxAncestors {
		return frame.Malformed("it names %d ancestors, more than %d", len(b.GetAncestors()), MaxAncestors)
	}
	if b.GetFloor() >= b.GetClock() {
		return frame.Malformed("its floor is not below its clock")
	}
	newer := &pb.Version{Clock: b.GetClock(), Writer: b.GetWriter()}
	for _, v := range b.GetAncestors() {
		if err := CheckVersion(v); err != nil {
			return err
		}
		if CompareVersions(v, newer) >= 0 {
			return frame.Malformed("its ancestors don't go down")
		}
		newer = v
	}
	return nil
}

// Lineage is what package replica needs of a record.
func Lineage(b *pb.RecordBody) replica.Record {
	r := replica.Record{Version: replica.Version{Clock: b.GetClock(), Writer: string(b.GetWriter())}, Floor: b.GetFloor()}
	for _, a := range b.GetAncestors() {
		r.Ancestors = append(r.Ancestors, replica.Version{Clock: a.GetClock(), Writer: string(a.GetWriter())})
	}
	return r
}

// CompareVersions orders versions by clock, then writer.
func CompareVersions(a, b *pb.Version) int {
	if c := cmp.Compare(a.GetClock(), b.GetClock()); c != 0 {
		return c
	}
	return bytes.Compare(a.GetWriter(), b.GetWriter())
}

// CheckVersion checks that a version has a clock and a writer.
func CheckVersion(v *pb.Version) error {
	if v.GetClock() == 0 {
		return frame.Malformed("the clock of a version is 0")
	}
	_, err := ParsePeerID(v.GetWriter())
	return err
}

func checkTombstone(b *pb.RecordBody) error {
	if b.GetSize() != 0 || len(b.GetHash()) > 0 || b.GetBlockSize() != 0 || len(b.GetBlocks()) > 0 {
		return frame.Malformed("a tombstone has a size, a hash or blocks")
	}
	return nil
}

// emptyHash is the BLAKE3-256 of nothing.
var emptyHash = blake3sum.Sum(nil)

// checkFile checks that size, hash and blocks of a file agree.
func checkFile(b *pb.RecordBody) error {
	if len(b.GetHash()) != HashSize {
		return frame.Malformed("its hash has %d bytes, not %d", len(b.GetHash()), HashSize)
	}
	size, blockSize := b.GetSize(), uint64(b.GetBlockSize())
	if size == 0 {
		if len(b.GetBlocks()) > 0 || !bytes.Equal(b.GetHash(), emptyHash[:]) {
			return frame.Malformed("an empty file has blocks, or not the hash of nothing")
		}
		if blockSize == 0 {
			return nil
		}
	}
	if blockSize < MinBlockSize || blockSize > MaxBlockSize || blockSize&(blockSize-1) != 0 {
		return frame.Malformed("its block size %d is not a power of two from %d to %d", blockSize, MinBlockSize, MaxBlockSize)
	}
	count := size / blockSize
	if size%blockSize > 0 {
		count++
	}
	switch {
	case count > MaxBlocks:
		return frame.Malformed("it has %d blocks, more than %d: use a larger block size", count, MaxBlocks)
	case uint64(len(b.GetBlocks())) != count*HashSize:
		return frame.Malformed("it lists %d bytes of block hashes, not %d", len(b.GetBlocks()), count*HashSize)
	case count == 1 && !bytes.Equal(b.GetBlocks(), b.GetHash()):
		return frame.Malformed("the hash of its only block is not that of the file")
	}
	return nil
}

// ParsePeerID reads a peer ID's bytes and refuses what is none, or too long.
func ParsePeerID(b []byte) (peer.ID, error) {
	if len(b) == 0 || len(b) > MaxPeerID {
		return "", frame.Malformed("a peer ID has %d bytes, not 1 to %d", len(b), MaxPeerID)
	}
	id, err := peer.IDFromBytes(b)
	if err != nil {
		return "", frame.Malformed("a peer ID can't be read: %w", err)
	}
	return id, nil
}
