package api

import (
	"context"
	"io"
)

// MaxBlock is the largest block in bytes, 32 MiB. Ordinary blocks have 4 to 8 MiB.
const MaxBlock = 32 << 20

// Hash is a BLAKE3-256 hash. The zero Hash stands for "no block".
type Hash [32]byte

// Place is the place of entries: the file name, the index of the block (0 for the
// file's own record) and the ring key under which the ring keeps it.
type Place struct {
	Key   uint16
	Name  string // 1 to MaxName bytes, without NUL
	Index uint32
}

// Entry is one record. The store knows nothing of versions: Stamp is an opaque,
// ordered identity of the version at its Place, Value its opaque encoding.
type Entry struct {
	Place
	Stamp string // 1 to MaxStamp bytes, compared as bytes
	Value []byte // at most MaxValue bytes
	// Block is the hash of the bytes that belong to the record, zero when there are none.
	Block Hash
	// Size is the length of those bytes, as the record claims it; the store does not
	// compare it with the bytes.
	Size uint32
	// Counted means that the entry takes part in the digests. Versions that are only kept for a
	// while don't.
	Counted bool
	// Purpose is the reason why the entry is written. It is not stored.
	Purpose Purpose
	// Complete means that the block's bytes are here (or that there are none). It is
	// set by the store.
	Complete bool
}

// Purpose is the reason why an entry is written. It decides how much of a full store the entry may
// still use. A store that is full of blocks has space for records, one that is full of new records
// accepts copies of records that others have, and a delete is always possible, because it frees
// space.
type Purpose uint8

// The purposes of an entry.
const (
	New    Purpose = iota // no other peer has the record yet
	Copy                  // others have it: this copy makes it safe
	Delete                // a tombstone
)

// Limits of an Entry's parts, in bytes.
const (
	MaxName  = 1024
	MaxStamp = 255
	MaxValue = 1 << 20
)

// Span is a range of keys, both ends included; it wraps when First > Last.
type Span struct{ First, Last uint16 }

// Sum is an additive digest (mod 2^128) of the counted entries of a bucket: over
// their Place and Stamp, each hashed. Two buckets with equal entries have equal sums.
type Sum [16]byte

// Staged is bytes that have been written and hashed, and that no entry names yet. It belongs to the
// store that made it.
type Staged interface {
	Hash() Hash
	Size() uint32
	// Discard drops the bytes unless an Update or Supply has taken them. It may be
	// called more than once and after the store is closed.
	Discard()
}

// Use is whether a block is likely to be read soon.
type Use bool

// The uses of a block.
const (
	Warm Use = false // it stays in the system's cache
	Cold Use = true  // it is written past the cache, where the system can do that
)

// Reader is the purpose of reading a block.
type Reader bool

// The readers of blocks.
const (
	User   Reader = false // a block that users read again and again stays in the system's cache
	Repair Reader = true  // it is read for another copy, once
)

// Usage is the space that the store uses, in bytes. CapacityBytes is 0 when unlimited.
type Usage struct {
	UsedBytes, CapacityBytes, FreeDiskBytes int64
	Entries, Blocks                         int64
	Missing                                 int64 // blocks that entries name and that are not here
}

// Store is what all stores have in common. Its methods may be called from many goroutines; those of
// package store's Store are documented there.
type Store interface {
	Stage(ctx context.Context, size int64, r io.Reader) (Staged, error)
	StageKnown(ctx context.Context, data []byte, h Hash, use Use) (Staged, error)
	Update(ctx context.Context, at Place, fn func([]Entry) ([]Entry, error), with ...Staged) ([]Entry, error)
	Entries(at Place) ([]Entry, error)
	Scan(span Span, after *Entry, fn func(Entry) bool) error
	Missing(limit int) ([]Entry, error)
	Has(h Hash) (bool, error)
	Supply(ctx context.Context, with Staged) error
	Read(ctx context.Context, h Hash, buf []byte) ([]byte, error)
	Raw(h Hash, by Reader) (io.ReadCloser, int, error)
	Rows() [256]Sum
	Buckets(row uint8) [256]Sum
	Verify(ctx context.Context, report func(Hash, error)) (blocks int, bytes int64, err error)
	Usage() Usage
	Close() error
}
