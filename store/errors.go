package store

import (
	"github.com/p2pchord/p2pchord/store/internal/api"
	"github.com/p2pchord/p2pchord/store/internal/disk"
)

// Errors of the store; each is of a kind of internal/fault.
var (
	// ErrNoSpace means that the bytes don't fit under the capacity or the disk's reserve.
	// Nothing was written. Reading, deleting, and handing over still work.
	ErrNoSpace = api.ErrNoSpace
	// ErrCorrupt means that a block's bytes don't match its hash.
	ErrCorrupt = api.ErrCorrupt
	// ErrNotHere means that a block's bytes are not in this store.
	ErrNotHere = api.ErrNotHere
	// ErrClosed means that the store was closed.
	ErrClosed = api.ErrClosed
	// ErrFailed means that the disk failed in the middle of a change. The store serves
	// reads and refuses every change until it is opened again.
	ErrFailed = api.ErrFailed
	// ErrTooLarge means that a block has more than MaxBlock bytes, or a part of an entry more than
	// its limit.
	ErrTooLarge = api.ErrTooLarge
	// ErrShort means that a stream is shorter or longer than its announced size.
	ErrShort = api.ErrShort
)

// IsFull reports whether err means that the disk, or a quota on it, is full.
func IsFull(err error) bool { return disk.IsFull(err) }

// IsDiskError reports whether err comes from using the disk, rather than from the request.
func IsDiskError(err error) bool { return disk.IsError(err) }

// Reason is a short description of why a disk failed, without paths; empty when err is nil.
func Reason(err error) string {
	if err == nil {
		return ""
	}
	return disk.Reason(err)
}
