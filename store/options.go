package store

import (
	"context"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/store/internal/disk"
)

// Options are the settings of a store. The zero value is the default of each.
type Options struct {
	// Capacity is the maximum that blocks and entries may use, in bytes; 0 is unlimited. Blocks
	// leave a part of it to entries, and entries to those that are more urgent: see Purpose.
	Capacity int64
	// Reserve is the space in bytes that stays free on the disk. 0 is the default: 1 GiB or 5 % of
	// the disk, whichever is smaller, so that a small disk can be used too. Negative means none.
	Reserve int64
	// Cache is the memory in bytes of the database's cache, its sorted memory included. 0 is 64
	// MiB.
	Cache int64
	// ScrubPeriod is the time in which every block is read and checked once in the
	// background; 0 is 7 days, negative means never.
	ScrubPeriod time.Duration
	// OnBad is called with every block that was found damaged and set aside, so that the owner of
	// the store fetches it again. It may be called from any goroutine and must not block.
	OnBad func(Hash, error)
	// FS is the file system beneath the store, the machine's own when nil. Simulations and tests
	// pass one that forgets what was not synced (vfs.NewCrashableMem).
	FS vfs.FS

	// inline is the size in bytes up to which a block is stored in the database.
	inline int64
	// journal is the size in bytes of each of the two journals.
	journal int64
	// memtable is the size in bytes of the database's sorted memory.
	memtable uint64
	// wait waits for d or the end of ctx; it is the clock of the scrub.
	wait func(ctx context.Context, d time.Duration) error
}

const (
	// defaultInline is from measuring puts of 16 KiB to 256 KiB both ways: see
	// docs/decisions/0020-pebble-below-a-journal.md.
	defaultInline   = 32 << 10
	defaultJournal  = 8 << 20
	defaultCache    = 64 << 20
	defaultMemtable = 16 << 20
	leastMemtable   = 4 << 20
	defaultScrub    = 7 * 24 * time.Hour
	defaultReserve  = 1 << 30
	reservePart     = 20 // 5 %
)

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = disk.Direct{FS: vfs.Default}
	}
	if o.ScrubPeriod == 0 {
		o.ScrubPeriod = defaultScrub
	}
	if o.inline == 0 {
		o.inline = defaultInline
	}
	if o.journal == 0 {
		o.journal = defaultJournal
	}
	if o.Cache == 0 {
		o.Cache = defaultCache
	}
	if o.memtable == 0 {
		o.memtable = uint64(min(defaultMemtable, max(o.Cache/4, leastMemtable))) //nolint:gosec // positive
	}
	if o.wait == nil {
		o.wait = waitFor
	}
	return o
}

func waitFor(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
