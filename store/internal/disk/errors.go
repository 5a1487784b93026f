package disk

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/p2pchord/p2pchord/internal/durable"
)

// IsFull reports whether err means that the disk, or a quota on it, is full.
func IsFull(err error) bool { return durable.IsFull(err) }

// IsBroken reports whether err means that the disk as a whole can't be written, so that other
// writes will fail too: read-only, broken, or gone.
func IsBroken(err error) bool {
	for _, e := range []error{syscall.EROFS, syscall.EIO, syscall.ENXIO, syscall.ENODEV, syscall.ESTALE} {
		if errors.Is(err, e) {
			return true
		}
	}
	// the store's own folders: the disk is not mounted any more
	return errors.Is(err, fs.ErrNotExist)
}

// IsError reports whether err comes from using the disk, rather than from the request.
func IsError(err error) bool {
	var path *fs.PathError
	var link *os.LinkError
	return IsFull(err) || IsBroken(err) || errors.As(err, &path) || errors.As(err, &link)
}

// Reason is a short description of why a disk failed, without a path, because other peers get it
// too.
func Reason(err error) string {
	var errno syscall.Errno
	switch {
	case IsFull(err):
		return "it is full"
	case errors.Is(err, syscall.EROFS):
		return "it is read-only"
	case errors.Is(err, fs.ErrNotExist):
		return "its folder is gone"
	case errors.As(err, &errno):
		return errno.Error()
	}
	return "writing to it failed"
}
