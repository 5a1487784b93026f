package store_test

import (
	"errors"
	"os"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

var errDisk = errors.New("the disk is broken")

// fault is how a write fails.
type failure int

const (
	notWritten failure = iota // it fails, and nothing is written
	yetWritten                // it fails, and all is written
	halfWritten
)

// hookFS counts the operations that change the disk beneath it and lets a test see
// each, or fail it.
type hookFS struct {
	vfs.FS
	ops    atomic.Int64
	before func(n int64)      // called before operation n, from 1
	fails  func(n int64) bool // whether operation n fails
	kind   failure            // how
	err    error              // with what; errDisk when nil
}

func (h *hookFS) do(op func() error) error {
	n := h.ops.Add(1)
	if h.before != nil {
		h.before(n)
	}
	if h.fails == nil || !h.fails(n) {
		return op()
	}
	if h.kind == yetWritten {
		if err := op(); err != nil {
			return err
		}
	}
	if h.err != nil {
		return h.err
	}
	return errDisk
}

func (h *hookFS) open(op func() (vfs.File, error)) (f vfs.File, err error) {
	err = h.do(func() error {
		var err error
		f, err = op()
		return err
	})
	if err != nil {
		if f != nil {
			_ = f.Close()
		}
		return nil, err
	}
	return &hookFile{f, h}, nil
}

func (h *hookFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return h.open(func() (vfs.File, error) { return h.FS.Create(name, c) })
}

func (h *hookFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return h.open(func() (vfs.File, error) { return h.FS.OpenReadWrite(name, c, o...) })
}

func (h *hookFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return h.open(func() (vfs.File, error) { return h.FS.ReuseForWrite(from, to, c) })
}

func (h *hookFS) OpenDir(name string) (vfs.File, error) {
	f, err := h.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &hookFile{f, h}, nil
}

func (h *hookFS) Link(from, to string) error {
	return h.do(func() error { return h.FS.Link(from, to) })
}

func (h *hookFS) Remove(name string) error { return h.do(func() error { return h.FS.Remove(name) }) }

func (h *hookFS) RemoveAll(name string) error {
	return h.do(func() error { return h.FS.RemoveAll(name) })
}

func (h *hookFS) Rename(from, to string) error {
	return h.do(func() error { return h.FS.Rename(from, to) })
}

func (h *hookFS) MkdirAll(dir string, perm os.FileMode) error {
	return h.do(func() error { return h.FS.MkdirAll(dir, perm) })
}

type hookFile struct {
	vfs.File
	h *hookFS
}

func (f *hookFile) write(p []byte, op func([]byte) (int, error)) (n int, err error) {
	wrote := false
	err = f.h.do(func() error {
		wrote = true
		n, err = op(p)
		return err
	})
	if err != nil && !wrote && f.h.kind == halfWritten {
		n, _ = op(p[:len(p)/2])
	}
	return n, err
}

func (f *hookFile) Write(p []byte) (int, error) { return f.write(p, f.File.Write) }

func (f *hookFile) WriteAt(p []byte, off int64) (int, error) {
	return f.write(p, func(p []byte) (int, error) { return f.File.WriteAt(p, off) })
}

func (f *hookFile) Sync() error     { return f.h.do(f.File.Sync) }
func (f *hookFile) SyncData() error { return f.h.do(f.File.SyncData) }

func (f *hookFile) SyncTo(n int64) (full bool, err error) {
	err = f.h.do(func() error {
		full, err = f.File.SyncTo(n)
		return err
	})
	return full, err
}
