package store

import (
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/internal/direct"
)

// coldBlock is the category of the files that are written past the system's cache.
const coldBlock vfs.DiskWriteCategory = "cold-block"

// directFS is the machine's file system with the way past its cache.
type directFS struct{ vfs.FS }

// Create implements vfs.FS.
func (d directFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, c)
	if err != nil || c != coldBlock {
		return f, err
	}
	return &directFile{File: f}, nil
}

// Unwrap implements vfs.FS.
func (d directFS) Unwrap() vfs.FS { return d.FS }

// directFile is written from its beginning to its end, by one goroutine.
type directFile struct {
	vfs.File
	at int64
}

// Write implements io.Writer.
func (f *directFile) Write(p []byte) (int, error) {
	n, err := direct.WriteAt(f.File, p, f.at)
	f.at += int64(n)
	return n, err
}
