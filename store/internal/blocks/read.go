package blocks

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/internal/direct"
	"github.com/p2pchord/p2pchord/store/internal/api"
)

// Load reads the file of a block into buf, which is as long as the block; hot blocks are read
// through the system's cache. The error is ErrCorrupt when the file is gone, of another length, or
// unreadable.
func (d *Folder) Load(h api.Hash, buf []byte, hot bool) error {
	f, err := d.fs.Open(d.Path(h))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w (its file is gone)", api.ErrCorrupt)
	}
	if err != nil {
		return err // such as too many open files: it says nothing about the block
	}
	r := io.NopCloser(f)
	if !hot {
		r = direct.Reader(f, int64(len(buf)))
	}
	n, err := io.ReadFull(r, buf)
	if err == nil {
		var more [1]byte
		if m, _ := r.Read(more[:]); m > 0 {
			err = errors.New("its file is too long")
		}
	}
	if cerr := errors.Join(r.Close(), f.Close()); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("%w (%w after %d of %d bytes)", api.ErrCorrupt, err, n, len(buf))
	}
	return nil
}

// Open opens the file of a block of size bytes. The error is ErrCorrupt when it is gone or of
// another length.
func (d *Folder) Open(h api.Hash, size int64) (vfs.File, error) {
	f, err := d.fs.Open(d.Path(h), vfs.SequentialReadsOption)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, api.ErrCorrupt
	}
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && st.Size() != size {
		err = api.ErrCorrupt
	}
	if err != nil {
		_ = f.Close() // it was only read
		return nil, err
	}
	return f, nil
}

// PastCache returns f, the file of a block of size bytes, read past the system's cache. Closing it
// closes f.
func PastCache(f vfs.File, size int64) io.ReadCloser { return rawFile{direct.Reader(f, size), f} }

// rawFile is read past the system's cache.
type rawFile struct {
	io.ReadCloser
	file vfs.File
}

// Step is the preferred number of bytes of one read; 0 for any number.
func (r rawFile) Step() int {
	if s, ok := r.ReadCloser.(interface{ Step() int }); ok {
		return s.Step()
	}
	return 0
}

// Narrow makes it read in small steps, for callers with little memory.
func (r rawFile) Narrow() {
	if n, ok := r.ReadCloser.(interface{ Narrow() }); ok {
		n.Narrow()
	}
}

// Close implements io.Closer.
func (r rawFile) Close() error { return errors.Join(r.ReadCloser.Close(), r.file.Close()) }
