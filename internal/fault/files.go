package fault

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// MoreFiles is the remedy when OutOfFiles.
const MoreFiles = "this process, or the system, may open no more files: raise the limit (ulimit -n, or LimitNOFILE= of a service), or do less at once"

// OutOfFiles reports whether err means that the process or the system has no file descriptor left.
func OutOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// Reason returns why a file operation failed, without the path, which the caller's message names.
func Reason(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
