package durable

import (
	"errors"
	"syscall"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// IsFull reports whether err means that the disk, or a quota on it, is full.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// CantOpen adds what to do when the disk of a data folder is full or read-only. Other errors it
// returns as they are.
func CantOpen(dir string, err error) error {
	switch {
	case IsFull(err):
		return fault.New(fault.NoSpace, "can't open the data folder %s, because its disk is full: make room there and start again (%w)", dir, err)
	case errors.Is(err, syscall.EROFS):
		return fault.New(fault.NotAllowed, "can't open the data folder %s, because its disk is read-only: make it writable and start again (%w)", dir, err)
	}
	return err
}
