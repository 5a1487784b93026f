package durable

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// FS is what the order needs of a file system. Tests put one beneath it that loses
// what was not synced, or fails.
type FS interface {
	// Create makes a new file for writing and fails if there is one of that name.
	Create(name string, perm fs.FileMode) (File, error)
	Rename(from, to string) error
	Remove(name string) error
	// SyncFolder makes the names in a folder durable.
	SyncFolder(dir string) error
}

// File is a file being written.
type File interface {
	io.WriteCloser
	Sync() error
}

// OS is the machine's own file system.
var OS FS = osFS{}

type osFS struct{}

func (osFS) Create(name string, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm) //nolint:gosec // the caller's own folder
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (osFS) Rename(from, to string) error { return os.Rename(from, to) }
func (osFS) Remove(name string) error     { return os.Remove(name) }

func (osFS) SyncFolder(dir string) error { return syncFolder(dir) }

// Publish gives the written file at temp, open as f, its name: steps 3 to 5 of the
// order. It closes f. On an error temp is gone; name may be the old file or the new.
func Publish(fsys FS, f File, temp, name string) error {
	if err := Settle(fsys, f, temp); err != nil {
		return err
	}
	return Name(fsys, temp, name)
}

// Settle is step 3: it makes the bytes of temp durable and closes f.
func Settle(fsys FS, f File, temp string) error {
	err := f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = fsys.Remove(temp) // the first error says more
	}
	return err
}

// Name is steps 4 and 5, for a temporary file that is settled.
func Name(fsys FS, temp, name string) error {
	if err := fsys.Rename(temp, name); err != nil {
		_ = fsys.Remove(temp) // the rename's error says more
		return err
	}
	return fsys.SyncFolder(filepath.Dir(name))
}
