package store

import (
	"bytes"
	"errors"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/internal/direct"
	"github.com/p2pchord/p2pchord/store/internal/schema"
)

// Raw opens a block's bytes as they are on the disk, and returns their number. They are not
// checked: it is meant for callers that hand the bytes to a peer that checks them, so that they are
// not hashed twice. A caller that finds them wrong calls Read, which sets the block aside. Damage
// that shows without hashing is found here too: a file that is gone or has another length is set
// aside, and the error is ErrCorrupt. ErrNotHere as for Read.
func (s *Store) Raw(h Hash, by Reader) (io.ReadCloser, int, error) {
	if !s.calls.Enter() {
		return nil, 0, ErrClosed
	}
	defer s.calls.Leave()
	b, here, err := schema.BlockOf(s.db, h)
	switch {
	case err != nil:
		return nil, 0, wrapRead(err)
	case !here:
		return nil, 0, ErrNotHere
	case b.Kind == schema.InBody:
		data, err := s.read(h, nil, true)
		return io.NopCloser(bytes.NewReader(data)), len(data), err
	}
	f, err := s.openWhole(h, int64(b.Size))
	if errors.Is(err, ErrCorrupt) {
		_, err = s.setAside(h, nil)
		if err == nil { // it has been repaired meanwhile
			f, err = s.openWhole(h, int64(b.Size))
		}
	}
	if err != nil {
		return nil, 0, wrapRead(err)
	}
	if by == User && s.heat.Read(h) {
		return f, int(b.Size), nil
	}
	return rawFile{direct.Reader(f, int64(b.Size)), f}, int(b.Size), nil
}

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

// openWhole opens the file of a block of size bytes.
func (s *Store) openWhole(h Hash, size int64) (vfs.File, error) {
	f, err := s.fs.Open(s.blockPath(h), vfs.SequentialReadsOption)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrCorrupt
	}
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && st.Size() != size {
		err = ErrCorrupt
	}
	if err != nil {
		_ = f.Close() // it was only read
		return nil, err
	}
	return f, nil
}
