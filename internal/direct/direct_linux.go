package direct

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// WriteAt writes p to f at off as f.WriteAt does, and its aligned beginning past the page
// cache when p is large and lies at an Alignment of memory and file. Whatever can't be
// written like that, on file systems that don't know it or after an error, f.WriteAt
// writes. While it works nobody else may write to the file: the descriptor's
// flags are changed, and they belong to all who share it.
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

// writeDirect returns how many bytes, a multiple of Alignment, it has written.
func writeDirect(f File, p []byte, off int64) (n int) {
	defer runtime.KeepAlive(f)
	if f.Fd() == ^uintptr(0) {
		return 0 // it stands in memory
	}
	fd := int(f.Fd()) //nolint:gosec // a descriptor
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return 0
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags|unix.O_DIRECT); err != nil {
		return 0
	}
	defer func() { _, _ = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags) }() // it was possible a moment ago
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
