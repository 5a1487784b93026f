package store_test

import (
	"bytes"
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/store"
	"github.com/p2pchord/p2pchord/store/storetest"
)

// breakable is a handle on a disk that can break.
func breakable(t *testing.T, err error) (h *store.Handle, disk *atomic.Bool) {
	t.Helper()
	disk = new(atomic.Bool)
	fs := &hookFS{FS: vfs.NewMem(), err: err, fails: func(int64) bool { return disk.Load() }}
	h, oerr := store.OpenHandle("dir", store.Small(store.Options{FS: fs, ScrubPeriod: -1}))
	storetest.Check(t, oerr)
	t.Cleanup(func() { closeHandle(t, h) })
	return h, disk
}

func closeHandle(t *testing.T, h *store.Handle) {
	t.Helper()
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

func addEntry(t *testing.T, h *store.Handle, name string, with ...store.Staged) error {
	t.Helper()
	e := store.Entry{Place: store.Place{Key: 7, Name: name}, Stamp: "1", Value: []byte(name), Counted: true}
	for _, s := range with {
		e.Block, e.Size = s.Hash(), s.Size()
	}
	_, err := h.Update(t.Context(), e.Place, func([]store.Entry) ([]store.Entry, error) { return []store.Entry{e}, nil }, with...)
	return err
}

func hasEntry(t *testing.T, h *store.Handle, name string) bool {
	t.Helper()
	es, err := h.Entries(store.Place{Key: 7, Name: name})
	storetest.Check(t, err)
	return len(es) == 1
}

// A store whose disk has failed is read from until it can be opened again; then all that was
// acknowledged is there, and it takes changes.
func TestReopen(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]error{"full": syscall.ENOSPC, "read-only": syscall.EROFS, "broken": syscall.EIO} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, broken := breakable(t, &os.PathError{Op: "write", Path: "p", Err: cause})
			data := bytes.Repeat([]byte("block "), 50_000)
			hash := store.Hash(blake3sum.Sum(data))
			// pebble's file system in memory changes what is written to it, in a build with the
			// race detector.
			st, err := h.StageKnown(t.Context(), bytes.Clone(data), hash, store.Warm)
			storetest.Check(t, err)
			storetest.Check(t, addEntry(t, h, "before", st))
			old, err := h.StageKnown(t.Context(), []byte("small"), store.Hash(blake3sum.Sum([]byte("small"))), store.Warm)
			storetest.Check(t, err)
			if err := h.Reopen(); err != nil {
				t.Errorf("a store that works: %v", err)
			}
			broken.Store(true)
			if err := addEntry(t, h, "refused"); !errors.Is(err, store.ErrFailed) || fault.CodeOf(err) != fault.TryAgain {
				t.Errorf("a change: %v", err)
			}
			if got := store.Reason(h.Err()); got == "" || got == store.Reason(errors.New("another")) {
				t.Errorf("the reason is %q", got)
			}
			for range 3 {
				if err := h.Reopen(); err == nil {
					t.Error("it was opened on a broken disk")
				}
				got, err := h.Read(t.Context(), hash, nil)
				if err != nil || !bytes.Equal(got, data) || !hasEntry(t, h, "before") {
					t.Errorf("it can't be read meanwhile: %v", err)
				}
			}
			broken.Store(false)
			storetest.Check(t, h.Reopen())
			storetest.Check(t, h.Err())
			if !hasEntry(t, h, "before") {
				t.Error("what was acknowledged is lost")
			}
			storetest.Check(t, addEntry(t, h, "after"))
			if err := addEntry(t, h, "foreign", old); fault.CodeOf(err) != fault.TryAgain {
				t.Errorf("bytes staged before: %v", err)
			}
			old.Discard()
			got, err := h.Read(t.Context(), hash, nil)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("reading afterwards: %v", err)
			}
		})
	}
}

// A block that can't be written because the disk is full is refused as such, and fails nothing
// else; on a disk that can't be written at all the store fails.
func TestBlocksThatCantBeWritten(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("block "), 50_000)
	hash := store.Hash(blake3sum.Sum(data))
	for _, c := range []struct {
		cause error
		code  fault.Code
		fails bool
	}{
		{syscall.ENOSPC, fault.NoSpace, false},
		{syscall.EDQUOT, fault.NoSpace, false},
		{syscall.EMFILE, fault.Failed, false},
		{syscall.EROFS, fault.TryAgain, true},
		{syscall.EIO, fault.TryAgain, true},
	} {
		h, broken := breakable(t, &os.PathError{Op: "open", Path: "p", Err: c.cause})
		broken.Store(true)
		_, err := h.StageKnown(t.Context(), data, hash, store.Cold)
		if fault.CodeOf(err) != c.code || !errors.Is(err, c.cause) {
			t.Errorf("%v: %v", c.cause, err)
		}
		_, err = h.Stage(t.Context(), int64(len(data)), bytes.NewReader(data))
		if fault.CodeOf(err) != c.code {
			t.Errorf("%v: %v", c.cause, err)
		}
		if failed := h.Err() != nil; failed != c.fails {
			t.Errorf("%v: the store has failed: %v", c.cause, failed)
		}
		broken.Store(false)
	}
}
