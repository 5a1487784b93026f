package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// MakeFolder makes a folder and those above it, as far as they are missing, and makes
// their names durable. New ones have the permissions perm.
func MakeFolder(dir string, perm fs.FileMode) error {
	if st, err := os.Stat(dir); err == nil {
		if !st.IsDir() {
			return fmt.Errorf("can't make the folder %s: a file of that name is in the way; remove it, or name another folder", dir)
		}
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := MakeFolder(parent, perm); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, perm); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("can't make the folder %s: %w", dir, cause(err))
	}
	if err := syncFolder(parent); err != nil {
		return fmt.Errorf("can't make the folder %s: %w", dir, cause(err))
	}
	return nil
}

// cause takes from an error of the system the operation and the path, which the message has
// already.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
