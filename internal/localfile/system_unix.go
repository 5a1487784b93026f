//go:build !windows

package localfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// renameOpen means that a file can be renamed while it is open.
const renameOpen = true

// openFlags keep an open from following a link, and from waiting at a pipe.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// umask is the user's. It can only be read by setting it, which is done before anything is written.
var umask = func() fs.FileMode {
	m := syscall.Umask(0o077)
	syscall.Umask(m)
	return fs.FileMode(m) & fs.ModePerm //nolint:gosec // nine bits
}()

// openPart opens the temporary file called name, or makes it, for this process alone:
// errPartNotOurs when that can't be.
func openPart(d dir, name string) (*os.File, error) {
	const attempts = 100 // each failed one means that another command has just finished with it
	for range attempts {
		f, err := d.OpenFile(name, os.O_RDWR|openFlags, 0)
		made := errors.Is(err, fs.ErrNotExist)
		if made {
			f, err = newPart(d, name)
			if errors.Is(err, fs.ErrExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
		}
		if err != nil {
			return nil, errors.Join(errPartNotOurs, err)
		}
		mine, err := f.Stat()
		locked := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) //nolint:gosec // a file descriptor is small
		if made && !errors.Is(locked, syscall.EWOULDBLOCK) {
			// No other's, though on some disks all files seem to be writable for all, and can't be
			// locked.
			locked = nil
		}
		if err != nil || locked != nil || !made && !isOurs(mine) {
			return nil, errors.Join(errPartNotOurs, err, f.Close())
		}
		// Before the lock somebody may have finished it: then it has another name.
		there, err := d.Lstat(name)
		if err == nil && os.SameFile(mine, there) {
			return f, nil
		}
		_ = f.Close() // nothing was written
		if err == nil && !there.Mode().IsRegular() {
			return nil, errPartNotOurs
		}
	}
	return nil, errPartNotOurs
}

// identity is equal for what os.SameFile finds equal.
type identity struct{ device, inode uint64 }

func identityOf(i fs.FileInfo) identity {
	st, ok := i.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}
	}
	return identity{uint64(st.Dev), st.Ino} //nolint:gosec,unconvert // the types differ by system
}

// isOurs reports whether an open file is this user's and no other's: nobody else may write to it,
// and it has no second name, under which it would be another file as well.
func isOurs(i fs.FileInfo) bool {
	st, ok := i.Sys().(*syscall.Stat_t)
	return ok && i.Mode().IsRegular() && i.Mode().Perm()&0o022 == 0 && int(st.Uid) == os.Geteuid() && st.Nlink == 1
}

// isForeign reports whether another user than root has made a link: /dev/stdout is one of root's.
func isForeign(i fs.FileInfo) bool {
	st, ok := i.Sys().(*syscall.Stat_t)
	return !ok || int(st.Uid) != os.Geteuid() && st.Uid != 0
}

// keepOwner gives f the owner and the group of the file that it replaces, as far as the user may.
// It reports whether the group is the same.
func keepOwner(f *os.File, old fs.FileInfo) bool {
	was, ok := old.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	if f.Chown(int(was.Uid), int(was.Gid)) == nil {
		return true
	}
	if f.Chown(-1, int(was.Gid)) == nil {
		return true
	}
	st, err := f.Stat()
	if err != nil {
		return false
	}
	now, ok := st.Sys().(*syscall.Stat_t)
	return ok && now.Gid == was.Gid
}
