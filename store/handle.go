package store

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// Handle is a Store that can be closed and opened again while it is in use: after its disk has
// failed, it continues when the disk can be written again. Its methods are those of the Store that
// is open, and may be called from many goroutines. While none is open they return ErrClosed.
type Handle struct {
	dir     string
	opts    Options
	current atomic.Pointer[Store]

	mu     sync.Mutex // held while the store is opened again
	closed bool
}

var _ API = (*Handle)(nil)

// OpenHandle opens the store in dir, as Open does.
func OpenHandle(dir string, opts Options) (*Handle, error) {
	s, err := Open(dir, opts)
	if err != nil {
		return nil, err
	}
	h := &Handle{dir: dir, opts: opts}
	h.current.Store(s)
	return h, nil
}

// Reopen closes the store, if it has failed, and opens it again: what was acknowledged is there. It
// first makes sure that the disk can be written and has some space; until then the failed store can
// still be read.
func (h *Handle) Reopen() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	old := h.current.Load()
	if h.closed {
		return ErrClosed
	}
	if err := old.probe(); err != nil {
		return err
	}
	if old.Err() == nil && !old.calls.IsClosed() {
		return nil
	}
	_ = old.Close() // it has failed already: its error doesn't matter
	s, err := Open(h.dir, h.opts)
	if err != nil {
		return err
	}
	h.current.Store(s)
	return nil
}

// probeBytes is how much a disk must accept before a store on it is opened again: its journals and
// the first flush of its database.
const probeBytes = 32 << 20

// probe returns the reason why the disk can't be written, or has too little space.
func (s *Store) probe() error {
	if free, floor, known := s.disk(); known && free < min(floor, probeBytes) {
		return errFull
	}
	name := s.files.Temp()
	f, err := s.fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 64<<10))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), s.fs.Remove(name))
}

// errFull is the error for a disk that has almost no space left.
var errFull = &fault.Error{Code: fault.NoSpace, Msg: "the disk is full", Err: syscall.ENOSPC}

// Check is like Err, and also returns an error when the disk is so full, far below the reserve,
// that the next changes will most likely fail.
func (h *Handle) Check() error {
	if err := h.Err(); err != nil {
		return err
	}
	if free, floor, known := h.current.Load().disk(); known && free < min(floor, probeBytes)/4 {
		return errFull
	}
	return nil
}

// Failed is closed when the store that is open now fails.
func (h *Handle) Failed() <-chan struct{} { return h.current.Load().failed }

// Err returns the reason why the store accepts no changes, or nil.
func (h *Handle) Err() error {
	s := h.current.Load()
	if err := s.Err(); err != nil {
		return err
	}
	if s.calls.IsClosed() {
		return ErrClosed
	}
	return nil
}

// Close closes the store for good.
func (h *Handle) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	return h.current.Load().Close()
}

// Stage is Store.Stage.
func (h *Handle) Stage(ctx context.Context, size int64, r io.Reader) (Staged, error) {
	return h.current.Load().Stage(ctx, size, r)
}

// StageKnown is Store.StageKnown.
func (h *Handle) StageKnown(ctx context.Context, data []byte, hash Hash, use Use) (Staged, error) {
	return h.current.Load().StageKnown(ctx, data, hash, use)
}

// Update is Store.Update. Bytes that were staged before the store was opened again are refused.
func (h *Handle) Update(ctx context.Context, at Place, fn func([]Entry) ([]Entry, error), with ...Staged) ([]Entry, error) {
	return h.current.Load().Update(ctx, at, fn, with...)
}

// Supply is Store.Supply.
func (h *Handle) Supply(ctx context.Context, with Staged) error {
	return h.current.Load().Supply(ctx, with)
}

// Entries is Store.Entries.
func (h *Handle) Entries(at Place) ([]Entry, error) { return h.current.Load().Entries(at) }

// Scan is Store.Scan.
func (h *Handle) Scan(span Span, after *Entry, fn func(Entry) bool) error {
	return h.current.Load().Scan(span, after, fn)
}

// Missing is Store.Missing.
func (h *Handle) Missing(limit int) ([]Entry, error) { return h.current.Load().Missing(limit) }

// Has is Store.Has.
func (h *Handle) Has(hash Hash) (bool, error) { return h.current.Load().Has(hash) }

// Size is Store.Size.
func (h *Handle) Size(hash Hash) (int, error) { return h.current.Load().Size(hash) }

// Read is Store.Read.
func (h *Handle) Read(ctx context.Context, hash Hash, buf []byte) ([]byte, error) {
	return h.current.Load().Read(ctx, hash, buf)
}

// Raw is Store.Raw.
func (h *Handle) Raw(hash Hash, by Reader) (io.ReadCloser, int, error) {
	return h.current.Load().Raw(hash, by)
}

// Rows is Store.Rows.
func (h *Handle) Rows() [256]Sum { return h.current.Load().Rows() }

// Buckets is Store.Buckets.
func (h *Handle) Buckets(row uint8) [256]Sum { return h.current.Load().Buckets(row) }

// Verify is Store.Verify.
func (h *Handle) Verify(ctx context.Context, report func(Hash, error)) (blocks int, bytes int64, err error) {
	return h.current.Load().Verify(ctx, report)
}

// Usage is Store.Usage.
func (h *Handle) Usage() Usage { return h.current.Load().Usage() }

// HasRoom is Store.HasRoom.
func (h *Handle) HasRoom(n int64) bool { return h.current.Load().HasRoom(n) }
