package disk

import (
	"errors"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/internal/durable"
)

// Durable is the file system as internal/durable sees it.
type Durable struct{ vfs.FS }

// Create implements durable.FS.
func (b Durable) Create(name string, _ os.FileMode) (durable.File, error) {
	f, err := b.FS.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// SyncFolder implements durable.FS.
func (b Durable) SyncFolder(dir string) error { return SyncFolder(b.FS, dir) }

// SyncFolder makes the names in a folder durable.
func SyncFolder(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// MakeFolder makes dir and what is missing above it, names durable.
func MakeFolder(fs vfs.FS, dir string) error {
	if _, err := fs.Stat(dir); err == nil {
		return nil
	}
	parent := fs.PathDir(dir)
	if parent != dir {
		if err := MakeFolder(fs, parent); err != nil {
			return err
		}
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return SyncFolder(fs, parent)
}
