package store

import (
	"context"
	"io"
)

// Hash is a BLAKE3-256 hash. The zero Hash stands for "no block".
type Hash [32]byte

// Place is where entries stand: the file name, the index of the block (0 for the
// file's own record) and the ring key under which the ring keeps it.
type Place struct {
	Key   uint16
	Name  string
	Index uint32
}

// Entry is one record. The store knows nothing of versions: Stamp is an opaque,
// ordered identity of the version at its Place, Value its opaque encoding.
type Entry struct {
	Place
	Stamp string
	Value []byte
	// Block is the hash of the bytes that belong to the record, zero when there are none.
	Block Hash
	// Size is the length of those bytes.
	Size uint32
	// Counted says that the entry takes part in the digests. Versions that are only
	// kept for a while do not.
	Counted bool
	// Complete says that the block's bytes are here (or that there are none). It is set by the store.
	Complete bool
}

// Span is a range of keys, both ends included; it wraps when First > Last.
type Span struct{ First, Last uint16 }

// Sum is an additive digest (mod 2^128) of the counted entries of a bucket: over
// their Place and Stamp, each hashed. Two buckets with equal entries have equal sums.
type Sum [16]byte

// Store is a durable local store of entries and blocks. Its methods may be called
// from many goroutines.
type storeAPI interface {
	// Stage takes bytes in, before the entry that they belong to: size bytes of r, or
	// up to MaxBlock when size is -1. It fails with ErrNoSpace before reading when they
	// can't fit. The bytes are not durable and can't be seen before an Update names them.
	Stage(ctx context.Context, size int64, r io.Reader) (Staged, error)
	// Update changes the entries of one place in one durable transaction, shared with
	// those of other callers. fn sees the entries that stand (by Stamp) and returns
	// those that shall; it must be pure, for it may run more than once. The staged
	// bytes, if any, are made durable first. A block that no entry names any more is deleted.
	Update(ctx context.Context, at Place, fn func([]Entry) ([]Entry, error), with ...Staged) ([]Entry, error)
	// Entries returns the entries of one place, by Stamp.
	Entries(at Place) ([]Entry, error)
	// Scan calls fn for entries in order of (key, name, index, stamp), within span and
	// strictly after the cursor (nil: from the start), until fn returns false.
	Scan(span Span, after *Entry, fn func(Entry) bool) error
	// Missing returns up to limit entries whose bytes are not here.
	Missing(limit int) ([]Entry, error)
	// Has says whether a block's bytes are here, and Supply adds the bytes of a block that an entry already names.
	Has(h Hash) (bool, error)
	Supply(ctx context.Context, with Staged) error
	// Read returns a block's bytes, verified against its hash, in buf when that is
	// large enough. A block that fails is set aside, becomes missing, and the error is ErrCorrupt.
	Read(ctx context.Context, h Hash, buf []byte) ([]byte, error)
	// Rows returns the sums of the 256 rows (key >> 8) and Buckets those of the 256 keys of one row.
	Rows() [256]Sum
	Buckets(row uint8) [256]Sum
	// Verify re-reads every block now, calling report for each bad one.
	Verify(ctx context.Context, report func(Hash, error)) (blocks int, bytes int64, err error)
	Usage() Usage
	Close() error
}

// Staged is bytes taken in and hashed, not yet named by an entry.
type Staged interface {
	Hash() Hash
	Size() uint32
	// Discard drops the bytes unless an Update or Supply has taken them.
	Discard()
}

// Usage says what the store takes, in bytes. CapacityBytes is 0 when unlimited.
type Usage struct {
	UsedBytes, CapacityBytes, FreeDiskBytes int64
	Entries, Blocks                         int64
}
