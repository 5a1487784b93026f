package share

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/p2pchord/p2pchord/internal/datafolder"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// Check returns why the node of a data folder can't share a folder. A folder that was shared before
// may be missing, because its disk may be mounted later.
func Check(dir, data string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fault.New(fault.Usage, "can't share %s: %w", dir, err)
	}
	if err := apart(abs, data); err != nil {
		return err
	}
	err = there(abs)
	if _, had := os.Stat(filepath.Join(data, memoryName)); had == nil && err != nil {
		return nil //nolint:nilerr // Open looks whether it was this one
	}
	return err
}

// there returns an error if dir is no folder.
func there(dir string) error {
	i, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.Usage, "can't share %s: there is no such folder; make it first", dir)
	case err != nil:
		return fault.New(fault.Usage, "can't share %s: %w", dir, fault.Reason(err))
	case !i.IsDir():
		return fault.New(fault.Usage, "can't share %s: it is not a folder", dir)
	}
	return nil
}

// apart refuses a folder that contains the node's data folder, or is in it.
func apart(dir, data string) error {
	resolved := func(p string) string {
		if abs, err := filepath.Abs(p); err == nil {
			p = abs
		}
		if r, err := filepath.EvalSymlinks(p); err == nil {
			return r
		}
		return p
	}
	if around := datafolder.Around(dir); around != "" {
		return fault.New(fault.Usage, "can't share %s: it is in the data folder of a peer, %s; share another folder", dir, around)
	}
	a, b := resolved(dir), resolved(data)
	within := func(p, q string) bool {
		rel, err := filepath.Rel(q, p)
		return err == nil && (rel == "." || rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)))
	}
	if within(a, b) || within(b, a) {
		return fault.New(fault.Usage, "can't share %s: it is in the node's data folder %s, or contains it; share another folder, or give another --data", dir, data)
	}
	return nil
}
