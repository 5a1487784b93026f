//go:build !windows

package share

import (
	"io/fs"
	"syscall"
)

// openFlags keep an open from waiting at a pipe that took the place of a file.
const openFlags = syscall.O_NONBLOCK

// inodeOf is the number of the file in its file system.
func inodeOf(i fs.FileInfo) uint64 {
	if st, ok := i.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}

// deviceOf is the number of the file system that a file is on.
func deviceOf(i fs.FileInfo) uint64 {
	if st, ok := i.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev) //nolint:unconvert // its type depends on the system
	}
	return 0
}
