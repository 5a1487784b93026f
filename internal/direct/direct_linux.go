package direct

import (
	"errors"
	"io"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// WriteAt writes p to f at off as f.WriteAt does, and its aligned beginning past the page cache
// when p is large and lies at an Alignment of memory and file. f.WriteAt writes the rest, and
// everything on file systems without direct I/O or after an error. While WriteAt runs nobody else
// may write to the file: it changes the flags of the descriptor, which all its users share.
func WriteAt(f File, p []byte, off int64) (int, error) {
	n := 0
	if len(p) >= least && off%Alignment == 0 && uintptr(unsafe.Pointer(unsafe.SliceData(p)))%Alignment == 0 { //nolint:gosec // only the address is looked at
		n = writeDirect(f, p[:len(p)&^(Alignment-1)], off)
	}
	if n == len(p) {
		return n, nil
	}
	m, err := f.WriteAt(p[n:], off+int64(n))
	return n + m, err
}

// noFile is the descriptor of a source in memory.
const noFile = ^uintptr(0)

// writeDirect returns how many bytes, a multiple of Alignment, it has written.
func writeDirect(f File, p []byte, off int64) (n int) {
	defer runtime.KeepAlive(f)
	undo, ok := setDirect(f.Fd())
	if !ok {
		return 0
	}
	defer undo()
	fd := int(f.Fd()) //nolint:gosec // a descriptor
	for n < len(p) {
		m, err := unix.Pwrite(fd, p[n:], off+int64(n))
		switch {
		case err == unix.EINTR: //nolint:errorlint // a system call's own
		case err != nil || m <= 0:
			return n
		case m%Alignment != 0:
			return n + m&^(Alignment-1)
		default:
			n += m
		}
	}
	return n
}

// setDirect makes a descriptor bypass the cache until undone.
func setDirect(fd uintptr) (undo func(), ok bool) {
	if fd == noFile {
		return nil, false
	}
	flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
	if err == nil {
		_, err = unix.FcntlInt(fd, unix.F_SETFL, flags|unix.O_DIRECT)
	}
	// it worked a moment ago
	return func() { _, _ = unix.FcntlInt(fd, unix.F_SETFL, flags) }, err == nil
}

// Reader returns a reader of f, which is at its beginning and has size bytes. It
// reads past the page cache, unless f is small or its beginning is in the cache.
// Nobody else may use f's descriptor until it is closed; closing it doesn't close f.
func Reader(f Source, size int64) io.ReadCloser {
	defer runtime.KeepAlive(f)
	if size < least || f.Fd() == noFile || cached(int(f.Fd())) { //nolint:gosec // a descriptor
		return io.NopCloser(f)
	}
	undo, ok := setDirect(f.Fd())
	if !ok {
		return io.NopCloser(f)
	}
	return &reader{f: f, undo: undo, step: step}
}

// cached reports whether the first byte of a file can be had without waiting for the disk.
func cached(fd int) bool {
	var b [1]byte
	n, err := unix.Preadv2(fd, [][]byte{b[:]}, 0, unix.RWF_NOWAIT)
	return n > 0 || err != nil && !errors.Is(err, unix.EAGAIN)
}

// readers' buffers: each read of the disk fills one.
var buffers = sync.Pool{New: func() any { b := make([]byte, step); return &b }}

// reader reads past the cache until that is not possible.
type reader struct {
	f    Source
	step int     // minimum size of a read into the caller's memory
	undo func()  // nil afterwards
	buf  *[]byte // nil before the first short read, and at the end
	left []byte  // of buf, to be read
}

// Step is the minimum size of a read whose bytes go from the disk straight to the caller's memory.
// It is 0 after Narrow: then the reads may have any size.
func (r *reader) Step() int {
	if r.step < step {
		return 0
	}
	return r.step
}

// Narrow makes smaller reads go straight to the caller's memory too, for callers with little of it.
func (r *reader) Narrow() { r.step = narrow }

func (r *reader) Read(p []byte) (int, error) {
	if len(r.left) == 0 {
		if len(p) >= r.step && aligned(p) {
			return r.fill(p)
		}
		if r.buf == nil {
			r.buf = buffers.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
		}
		n, err := r.fill(*r.buf)
		if r.left = (*r.buf)[:n]; n == 0 {
			return 0, err
		}
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}

func aligned(p []byte) bool {
	return uintptr(unsafe.Pointer(unsafe.SliceData(p)))%Alignment == 0 //nolint:gosec // only the address is looked at
}

func (r *reader) fill(p []byte) (int, error) {
	n, err := r.f.Read(p)
	if r.undo != nil && errors.Is(err, unix.EINVAL) {
		r.undo()
		r.undo = nil
		return r.f.Read(p)
	}
	return n, err
}

// Close frees memory and restores the descriptor's flags.
func (r *reader) Close() error {
	if r.buf != nil {
		buffers.Put(r.buf)
		r.buf, r.left = nil, nil
	}
	if r.undo != nil {
		r.undo()
		r.undo = nil
	}
	return nil
}
