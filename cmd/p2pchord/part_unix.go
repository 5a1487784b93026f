//go:build !windows

package main

import (
	"errors"
	"os"
	"syscall"
)

// renameOpen says that a file can be renamed while it is open.
const renameOpen = true

// openPart opens the temporary file at path, or makes it, for this process alone:
// errPartInUse when another one has it.
func openPart(path string) (*os.File, error) {
	for {
		// 0666 less the umask, as for any file a user makes.
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o666) //nolint:gosec // beside what the user has named
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { //nolint:gosec // a file descriptor is small
			return nil, errors.Join(errPartInUse, f.Close())
		}
		// Between the two somebody may have finished it: then it has another name.
		mine, err1 := f.Stat()
		there, err2 := os.Lstat(path)
		if err1 == nil && err2 == nil && os.SameFile(mine, there) && mine.Mode().IsRegular() {
			return f, nil
		}
		if err := f.Close(); err1 != nil || err2 == nil && !there.Mode().IsRegular() {
			return nil, errors.Join(errPartInUse, err)
		}
	}
}
