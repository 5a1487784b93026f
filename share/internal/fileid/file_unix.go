//go:build !windows

package fileid

import (
	"io/fs"
	"syscall"
)

// OpenFlags keep an open from blocking if a pipe has replaced the file.
const OpenFlags = syscall.O_NONBLOCK

// Inode is the number of the file in its file system.
func Inode(i fs.FileInfo) uint64 {
	if st, ok := i.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}

// Device is the number of the file system that a file is on.
func Device(i fs.FileInfo) uint64 {
	if st, ok := i.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev) //nolint:unconvert // its type depends on the system
	}
	return 0
}
