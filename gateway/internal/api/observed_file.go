package api

import (
	"errors"
	"io"
	"os"
	"sync"
)

// ObserveEnd returns f as a file whose Close first calls end, once, with whether the end of the
// file has been read, and the first failure.
func ObserveEnd(f File, end func(whole bool, err error)) File {
	return &observedFile{File: f, end: end}
}

type observedFile struct {
	File
	end   func(whole bool, err error)
	once  sync.Once
	whole bool
	err   error
}

func (f *observedFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	if err != nil {
		f.ended(err)
	}
	return n, err
}

func (f *observedFile) WriteTo(w io.Writer) (int64, error) {
	n, err := f.File.WriteTo(w)
	f.ended(err)
	return n, err
}

func (f *observedFile) Save(dst *os.File) error {
	err := f.File.Save(dst)
	f.ended(err)
	return err
}

func (f *observedFile) ended(err error) {
	switch {
	case err == nil || errors.Is(err, io.EOF):
		f.whole = true
	case f.err == nil:
		f.err = err
	}
}

func (f *observedFile) Close() error {
	f.once.Do(func() { f.end(f.whole, f.err) })
	return f.File.Close()
}
