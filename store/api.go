package store

import (
	"github.com/p2pchord/p2pchord/store/internal/api"
	"github.com/p2pchord/p2pchord/store/internal/memory"
)

// MaxBlock is the largest block in bytes, 32 MiB. Ordinary blocks have 4 to 8 MiB.
const MaxBlock = api.MaxBlock

// Limits of an Entry's parts, in bytes.
const (
	MaxName  = api.MaxName
	MaxStamp = api.MaxStamp
	MaxValue = api.MaxValue
)

// The types of entries and blocks, which all stores share.
type (
	// Hash is a BLAKE3-256 hash. The zero Hash stands for "no block".
	Hash = api.Hash
	// Place is the place of entries: the file name, the index of the block (0 for the
	// file's own record) and the ring key under which the ring keeps it.
	Place = api.Place
	// Entry is one record. The store knows nothing of versions: Stamp is an opaque,
	// ordered identity of the version at its Place, Value its opaque encoding.
	Entry = api.Entry
	// Span is a range of keys, both ends included; it wraps when First > Last.
	Span = api.Span
	// Sum is an additive digest (mod 2^128) of the counted entries of a bucket: over
	// their Place and Stamp, each hashed. Two buckets with equal entries have equal sums.
	Sum = api.Sum
	// Purpose is the reason why an entry is written. It decides how much of a full store the
	// entry may still use.
	Purpose = api.Purpose
	// Staged is bytes that have been written and hashed, and that no entry names yet. It belongs
	// to the store that made it.
	Staged = api.Staged
	// Use is whether a block is likely to be read soon.
	Use = api.Use
	// Reader is the purpose of reading a block.
	Reader = api.Reader
	// Usage is the space that the store uses, in bytes. CapacityBytes is 0 when unlimited.
	Usage = api.Usage
	// API is what Store and Memory have in common, and what storetest checks for each.
	// Their methods may be called from many goroutines; Store's methods are documented there.
	API = api.Store
)

// The purposes of an entry.
const (
	New    = api.New    // no other peer has the record yet
	Copy   = api.Copy   // others have it: this copy makes it safe
	Delete = api.Delete // a tombstone
)

// The uses of a block.
const (
	Warm = api.Warm // it stays in the system's cache
	Cold = api.Cold // it is written past the cache, where the system can do that
)

// The readers of blocks.
const (
	User   = api.User   // a block that users read again and again stays in the system's cache
	Repair = api.Repair // it is read for another copy, once
)

// Memory is the simplest store there is: maps under one lock, nothing on disk, every answer
// computed from the entries. It is the model that Store is compared with, and good enough where
// nothing must outlive the process.
type Memory = memory.Store

// NewMemory returns an empty Memory that holds up to capacity bytes; 0 is unlimited.
func NewMemory(capacity int64) *Memory { return memory.New(capacity) }
