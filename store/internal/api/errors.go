package api

import "github.com/p2pchord/p2pchord/internal/fault"

// Errors of the store; each is of a kind of internal/fault.
var (
	// ErrNoSpace means that the bytes don't fit under the capacity or the disk's reserve.
	// Nothing was written. Reading, deleting, and handing over still work.
	ErrNoSpace = fault.New(fault.NoSpace, "no space: the store is full, or the disk down to its reserve; delete files or raise the capacity")
	// ErrCorrupt means that a block's bytes don't match its hash.
	ErrCorrupt = fault.New(fault.Integrity, "a stored block is damaged and was set aside")
	// ErrNotHere means that a block's bytes are not in this store.
	ErrNotHere = fault.New(fault.NotFound, "the block is not in this store")
	// ErrClosed means that the store was closed.
	ErrClosed = fault.New(fault.TryAgain, "the store is closed")
	// ErrFailed means that the disk failed in the middle of a change. The store serves
	// reads and refuses every change until it is opened again.
	ErrFailed = fault.New(fault.TryAgain, "the disk failed, so nothing is stored there until it can be written again")
	// ErrTooLarge means that a block has more than MaxBlock bytes, or a part of an entry more than
	// its limit.
	ErrTooLarge = fault.New(fault.Usage, "larger than the store's limit")
	// ErrShort means that a stream is shorter or longer than its announced size.
	ErrShort = fault.New(fault.Integrity, "the stream did not have the announced size")
	// ErrForeign means that staged bytes can't be used here.
	ErrForeign = fault.New(fault.TryAgain, "bytes staged in another store, before it was opened again, or taken already")
)
