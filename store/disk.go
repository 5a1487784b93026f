package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// IsFull reports whether err means that the disk, or a quota on it, is full.
func IsFull(err error) bool { return durable.IsFull(err) }

// isBroken reports whether err means that the disk as a whole can't be written, so that other
// writes will fail too: read-only, broken, or gone.
func isBroken(err error) bool {
	for _, e := range []error{syscall.EROFS, syscall.EIO, syscall.ENXIO, syscall.ENODEV, syscall.ESTALE} {
		if errors.Is(err, e) {
			return true
		}
	}
	// the store's own folders: the disk is not mounted any more
	return errors.Is(err, fs.ErrNotExist)
}

// IsDiskError reports whether err comes from using the disk, rather than from the request.
func IsDiskError(err error) bool {
	var path *fs.PathError
	var link *os.LinkError
	return IsFull(err) || isBroken(err) || errors.As(err, &path) || errors.As(err, &link)
}

// taken turns the failure of writing a block's file into the error for its caller. A full disk
// concerns this block; one that can't be written fails the store.
func (s *Store) taken(what string, err error) error {
	switch {
	case IsFull(err):
		return &fault.Error{Code: fault.NoSpace, Msg: ErrNoSpace.Error(), Err: fmt.Errorf("%w: %s: %w", ErrNoSpace, what, err)}
	case isBroken(err):
		return s.fail(fmt.Errorf("%s: %w", what, err))
	}
	return fmt.Errorf("%s: %w", what, err)
}

// reason is a short description of why a disk failed, without a path, because other peers get it
// too.
func reason(err error) string {
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
