package database

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/store/internal/disk"
)

// guard is the file system as the database sees it. The first failed write fails the whole store.
// From then on the database's background work, which would try again and again, waits for Close at
// its next write, and gets the error then.
type guard struct {
	vfs.FS
	fail    func(error)     // called for each failure
	failed  <-chan struct{} // closed at the first
	closing <-chan struct{} // closed when the database is about to be closed
	live    func() bool     // false while the database is being opened: Open returns the errors
}

func (g *guard) check(err error) error {
	if err == nil || !g.live() {
		return err
	}
	g.fail(err)
	<-g.closing
	return err
}

// enter marks the store as failed, so that nothing more is written.
func (g *guard) enter() error {
	select {
	case <-g.failed:
		return g.check(errFailedBefore)
	default:
		return nil
	}
}

var errFailedBefore = errors.New("not written because an earlier write failed")

func (g *guard) file(f vfs.File, err error) (vfs.File, error) {
	if err := g.check(err); err != nil {
		return nil, err
	}
	return &guardedFile{File: f, g: g}, nil
}

func (g *guard) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := g.enter(); err != nil {
		return nil, err
	}
	if err := g.settleNames(name); err != nil {
		return nil, err
	}
	return g.file(g.FS.Create(name, c))
}

func (g *guard) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	if err := g.enter(); err != nil {
		return nil, err
	}
	return g.file(g.FS.OpenReadWrite(name, c, o...))
}

func (g *guard) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := g.enter(); err != nil {
		return nil, err
	}
	return g.file(g.FS.ReuseForWrite(from, to, c))
}

// settleNames makes the names in the folder of a marker durable. The name of an empty file, the
// marker, tells the database which of its files counts. It makes the new marker and removes the old
// one without an fsync of the folder between, which is enough only where a file system keeps the
// order of names; the guard puts the fsync there.
func (g *guard) settleNames(name string) error {
	if !isMarker(g.PathBase(name)) {
		return nil
	}
	return g.check(disk.SyncFolder(g.FS, g.PathDir(name)))
}

func (g *guard) Remove(name string) error {
	if err := g.enter(); err != nil {
		return err
	}
	if err := g.settleNames(name); err != nil {
		return err
	}
	return g.FS.Remove(name)
}

// Lock returns this program's error when another process has the store open. With the lock held, it
// removes the logs that the database makes and never writes to, because they would make it flush
// its empty memory before its opening returns, again and again on a broken disk.
func (g *guard) Lock(name string) (io.Closer, error) {
	c, err := g.FS.Lock(name)
	var path *fs.PathError
	if err != nil && !errors.As(err, &path) { // else the lock's file can't be made
		return nil, fault.New(fault.NotAllowed, "the store is in use by another process; stop that one, or use another folder (%w)", err)
	}
	if err != nil {
		return nil, err
	}
	if err := g.removeLogs(g.PathDir(name)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (g *guard) removeLogs(dir string) error {
	names, err := g.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if isLog(name) {
			if err := g.FS.Remove(g.PathJoin(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *guard) OpenDir(name string) (vfs.File, error) {
	d, err := g.FS.OpenDir(name)
	if err := g.check(err); err != nil {
		return nil, err
	}
	return &guardedFolder{File: d, g: g}, nil
}

// guardedFolder is a folder whose fsync seems to succeed when it fails, because the database panics
// otherwise. The store has failed by then, and the guard lets the database neither write nor remove
// anything that could depend on it.
type guardedFolder struct {
	vfs.File
	g *guard
}

func (d *guardedFolder) Sync() error {
	select {
	case <-d.g.failed:
		return nil
	default:
	}
	if err := d.File.Sync(); err != nil {
		d.g.fail(err)
	}
	return nil
}

func (g *guard) Link(from, to string) error {
	if err := g.enter(); err != nil {
		return err
	}
	return g.check(g.FS.Link(from, to))
}

func (g *guard) Rename(from, to string) error {
	if err := g.enter(); err != nil {
		return err
	}
	return g.check(g.FS.Rename(from, to))
}

func (g *guard) MkdirAll(dir string, perm os.FileMode) error {
	return g.check(g.FS.MkdirAll(dir, perm))
}

func (g *guard) Unwrap() vfs.FS { return g.FS }

type guardedFile struct {
	vfs.File
	g *guard
}

func (f *guardedFile) Write(p []byte) (int, error) {
	if err := f.g.enter(); err != nil {
		return 0, err
	}
	n, err := f.File.Write(p)
	return n, f.g.check(err)
}

func (f *guardedFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.g.enter(); err != nil {
		return 0, err
	}
	n, err := f.File.WriteAt(p, off)
	return n, f.g.check(err)
}

func (f *guardedFile) Sync() error {
	if err := f.g.enter(); err != nil {
		return err
	}
	return f.g.check(f.File.Sync())
}

func (f *guardedFile) SyncData() error {
	if err := f.g.enter(); err != nil {
		return err
	}
	return f.g.check(f.File.SyncData())
}

func (f *guardedFile) SyncTo(n int64) (bool, error) {
	if err := f.g.enter(); err != nil {
		return false, err
	}
	full, err := f.File.SyncTo(n)
	return full, f.g.check(err)
}
