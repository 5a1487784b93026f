package store_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/store"
	"github.com/p2pchord/p2pchord/store/storetest"
)

// noTables is a disk on which the database can't make tables, though the journal can be written.
type noTables struct {
	vfs.FS
	on    atomic.Bool
	tries atomic.Int64
}

func (n *noTables) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if n.on.Load() && strings.HasSuffix(name, ".sst") {
		n.tries.Add(1)
		return nil, &os.PathError{Op: "open", Path: name, Err: syscall.ENOSPC}
	}
	return n.FS.Create(name, c)
}

// badTables is a disk on which the database's tables can't be read any more.
type badTables struct {
	vfs.FS
	on    atomic.Bool
	tries atomic.Int64
}

func (b *badTables) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := b.FS.Open(name, o...)
	if err != nil || !strings.HasSuffix(name, ".sst") {
		return f, err
	}
	return badTable{f, b}, nil
}

type badTable struct {
	vfs.File
	b *badTables
}

func (f badTable) ReadAt(p []byte, off int64) (int, error) {
	if f.b.on.Load() {
		f.b.tries.Add(1)
		return 0, &os.PathError{Op: "read", Path: "table", Err: syscall.EIO}
	}
	return f.File.ReadAt(p, off)
}

// A compaction that fails for what it reads is not tried again and again.
func TestAFailedCompactionIsPaced(t *testing.T) {
	t.Parallel()
	disk := &badTables{FS: vfs.NewMem()}
	h, err := store.OpenHandle("dir", store.Small(store.Options{FS: disk, ScrubPeriod: -1, Cache: 1}))
	storetest.Check(t, err)
	for i := range 400 {
		storetest.Check(t, addEntry(t, h, fmt.Sprint("entry ", i*7919%400, strings.Repeat("x", 900))))
	}
	disk.on.Store(true)
	for i := 0; err == nil && i < 4000; i++ {
		err = addEntry(t, h, fmt.Sprint("entry ", i*7919%400, strings.Repeat("x", 900)))
	}
	if !errors.Is(err, store.ErrFailed) {
		t.Fatalf("its end: %v", err)
	}
	before := disk.tries.Load()
	time.Sleep(500 * time.Millisecond) // for what must not happen
	if tries := disk.tries.Load() - before; tries > 50 {
		t.Errorf("%d reads were tried in half a second", tries)
	}
	disk.on.Store(false)
	storetest.Check(t, h.Close())
}

// A flush that fails is not tried again and again: it waits until the store is opened again.
func TestAFailedFlushWaits(t *testing.T) {
	t.Parallel()
	disk := &noTables{FS: vfs.NewMem()}
	h, err := store.OpenHandle("dir", store.Small(store.Options{FS: disk, ScrubPeriod: -1}))
	storetest.Check(t, err)
	disk.on.Store(true)
	for i := 0; err == nil; i++ {
		err = addEntry(t, h, fmt.Sprint("entry ", i, strings.Repeat("x", 900)))
	}
	if !errors.Is(err, store.ErrFailed) {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond) // for what must not happen
	if tries := disk.tries.Load(); tries > 4 {
		t.Errorf("a flush was tried %d times", tries)
	}
	disk.on.Store(false)
	storetest.Check(t, h.Reopen())
	storetest.Check(t, addEntry(t, h, "after"))
	closeHandle(t, h)
}
