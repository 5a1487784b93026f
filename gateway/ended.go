package gateway

import (
	"errors"
	"io"
	"os"
	"sync"
)

// endedFile is a file being fetched; end is called once, when it is closed: with
// whether its end has been read, and the first failure.
type endedFile struct {
	File
	end   func(whole bool, err error)
	once  sync.Once
	whole bool
	err   error
}

func (f *endedFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	if err != nil {
		f.ended(err)
	}
	return n, err
}

func (f *endedFile) WriteTo(w io.Writer) (int64, error) {
	n, err := f.File.WriteTo(w)
	f.ended(err)
	return n, err
}

// Save writes the file to dst as its own Save does, or as WriteTo where it has none.
func (f *endedFile) Save(dst *os.File) error {
	var err error
	if s, ok := f.File.(saver); ok {
		err = s.Save(dst)
	} else if err = dst.Truncate(0); err == nil {
		_, err = f.File.WriteTo(dst)
	}
	f.ended(err)
	return err
}

// saver is a File that writes itself to a file faster, or from where it stopped.
type saver interface{ Save(dst *os.File) error }

func (f *endedFile) ended(err error) {
	switch {
	case err == nil || errors.Is(err, io.EOF):
		f.whole = true
	case f.err == nil:
		f.err = err
	}
}

func (f *endedFile) Close() error {
	f.once.Do(func() { f.end(f.whole, f.err) })
	return f.File.Close()
}
