package store

import "time"

// Options are the settings of a store. The zero value is the default of each.
type Options struct {
	// Capacity is the most that blocks and entries may take, in bytes; 0 is unlimited.
	Capacity int64
	// Reserve is the free space in bytes that is left to others on the disk. 0 is the
	// default: 1 GiB or 5 % of the disk, whichever is smaller, so that a small disk can
	// be used too. Negative is none.
	Reserve int64
	// ScrubPeriod is the time in which every block is read and checked once in the
	// background; 0 is 7 days, negative never.
	ScrubPeriod time.Duration
	// OnBad is told of every block that was found damaged and set aside, so that the
	// owner fetches it anew. It may be called from any goroutine and must not block.
	OnBad func(Hash, error)
}
