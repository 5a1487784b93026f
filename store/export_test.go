package store

import (
	"context"
	"time"

	"github.com/p2pchord/p2pchord/store/internal/schema"
)

// Small makes o those of a store whose journals turn, whose database flushes and whose
// blocks are files after a few writes, so that short tests see all of it.
func Small(o Options) Options {
	o.inline, o.journal, o.memtable = 4<<10, 24<<10, 64<<10
	o.ScrubPeriod = -1
	return o
}

// WithWait makes the scrub wait by calling wait.
func WithWait(o Options, wait func(context.Context, time.Duration) error) Options {
	o.wait = wait
	return o
}

// Reclaim removes what is doubtful now, and returns when there is nothing more to do.
func (s *Store) Reclaim() {
	for s.reclaimSome() {
	}
}

// BlockPath is where the file of a block stands.
func (s *Store) BlockPath(h Hash) string { return s.files.Path(h) }

// WithInline makes blocks of up to n bytes stand in the database.
func WithInline(o Options, n int64) Options {
	o.inline = n
	return o
}

// SetFormat makes the store one of another format.
func (s *Store) SetFormat(v byte) error { return s.db.Set(schema.KeyFormat, []byte{v}, noSync) }
