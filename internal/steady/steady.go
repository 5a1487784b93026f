// Package steady reads files that must not change meanwhile: a reader of a file that is written to
// at the same time never gets a complete mixture of old and new.
package steady

import (
	"errors"
	"io"
	"os"
	"time"
)

// ErrChanged is the error for a file that was written to while it was read.
var ErrChanged = errors.New("the file changed while it was read: put it again when no program writes to it")

// ErrSize is the error for a file with more or fewer bytes than its size: one in /proc, or in a
// file system that doesn't know the sizes of its files.
var ErrSize = errors.New("its size is not the number of bytes that can be read from it: to store those, use stdin: put - --name NAME < FILE")

// File reads an open file from its beginning. The last byte comes only when size and
// time are still those at its creation.
type File struct {
	section  *io.SectionReader
	file     *os.File
	size     int64
	modified time.Time
	read     int64
}

// New returns a File over f, which has to be a regular file of the size and time
// given. The File closes f. The file's own position is neither used nor changed.
func New(f *os.File, size int64, modified time.Time) (*File, error) {
	s := &File{section: io.NewSectionReader(f, 0, size), file: f, size: size, modified: modified}
	if err := s.changed(); err != nil {
		return nil, err
	}
	if err := s.more(); err != nil {
		return nil, err
	}
	return s, nil
}

// Read implements io.Reader. In place of the last bytes it returns ErrChanged when the file has
// changed, and ErrSize when it hasn't but has more or fewer bytes than its size.
func (s *File) Read(p []byte) (int, error) {
	n, err := s.section.Read(p)
	s.read += int64(n)
	if s.read < s.size && !errors.Is(err, io.EOF) {
		return n, err
	}
	if err := s.changed(); err != nil {
		return 0, err
	}
	if s.read < s.size {
		return 0, ErrSize
	}
	if err := s.more(); err != nil {
		return 0, err
	}
	return n, err
}

// more looks for bytes behind the last one.
func (s *File) more() error {
	var next [1]byte
	n, err := s.file.ReadAt(next[:], s.size)
	switch {
	case n == 0 && (err == nil || errors.Is(err, io.EOF)):
		return nil
	case n == 0:
		return err
	}
	if err := s.changed(); err != nil {
		return err
	}
	return ErrSize
}

// Open returns the file that is read, to be handed to another process with Size and Modified.
func (s *File) Open() *os.File { return s.file }

// Size is the size at the beginning.
func (s *File) Size() int64 { return s.size }

// Modified is the time at the beginning.
func (s *File) Modified() time.Time { return s.modified }

// Close closes the file.
func (s *File) Close() error { return s.file.Close() }

func (s *File) changed() error {
	st, err := s.file.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() || st.Size() != s.size || !st.ModTime().Equal(s.modified) {
		return ErrChanged
	}
	return nil
}
