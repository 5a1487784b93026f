package durable

import (
	"crypto/rand"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// tempMark is in the name of every temporary file of WriteFile.
const tempMark = ".durable-tmp-"

// WriteFile replaces the file at path by data, whole and durable or not at all. The
// file has the permissions perm from its first moment. For small files.
func WriteFile(path string, data []byte, perm fs.FileMode) error {
	return WriteFileOn(OS, path, data, perm)
}

// WriteFileOn is WriteFile on a given file system.
func WriteFileOn(fsys FS, path string, data []byte, perm fs.FileMode) error {
	if err := write(fsys, path, data, perm); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

func write(fsys FS, path string, data []byte, perm fs.FileMode) error {
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+tempMark+rand.Text())
	f, err := fsys.Create(temp, perm)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		_ = f.Close()
		_ = fsys.Remove(temp) // the write's error says more
		return err
	}
	return Publish(fsys, f, temp, path)
}

// Sweep removes the temporary files that crashes of WriteFile left in dir. Only the
// owner of the folder may call it, while it writes nothing there.
func Sweep(dir string) error {
	names, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("sweeping %s: %w", dir, err)
	}
	for _, n := range names {
		if n.Type().IsRegular() && strings.HasPrefix(n.Name(), ".") && strings.Contains(n.Name(), tempMark) {
			if err := os.Remove(filepath.Join(dir, n.Name())); err != nil {
				return fmt.Errorf("sweeping %s: %w", dir, err)
			}
		}
	}
	return nil
}
