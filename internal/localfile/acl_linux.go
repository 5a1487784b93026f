package localfile

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// accessACL is where Linux keeps who may read a file beside what the mode says.
const accessACL = "system.posix_acl_access"

// keepACL gives f the access control list of the file called name in d, or none if that has none.
// It reports whether it could: otherwise the group's bits of the mode, which bound the list, would
// be the group's own.
func keepACL(f *os.File, d dir, name string) bool {
	old, err := d.OpenFile(name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return false
	}
	defer func() { _ = old.Close() }() // it was only looked at
	list := make([]byte, 64<<10)       // the most that the kernel has of one
	n, err := unix.Getxattr(fmt.Sprintf("/proc/self/fd/%d", old.Fd()), accessACL, list)
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		return true // the file system has none
	case errors.Is(err, unix.ENODATA):
		err = unix.Fremovexattr(int(f.Fd()), accessACL) //nolint:gosec // a file descriptor is small
		return err == nil || errors.Is(err, unix.ENODATA)
	case err != nil:
		return false
	}
	return unix.Fsetxattr(int(f.Fd()), accessACL, list[:n], 0) == nil //nolint:gosec // a file descriptor is small
}
