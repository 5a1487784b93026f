package localfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// dir is an open folder. The names that its methods take have one part.
type dir interface {
	OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error)
	Lstat(name string) (fs.FileInfo, error)
	Link(oldname, newname string) error
	Rename(oldname, newname string) error
	Remove(name string) error
	RemoveAll(name string) error
	Chtimes(name string, accessed, modified time.Time) error
	Mkdir(name string, perm fs.FileMode) error
	// Sub opens a folder in it.
	Sub(name string) (dir, error)
	Close() error
}

// rootDir is a dir that nothing leads out of, whoever else writes to it.
type rootDir struct{ *os.Root }

func (d rootDir) Sub(name string) (dir, error) {
	sub, err := d.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	return rootDir{sub}, nil
}

// openDir opens the folder at path.
func openDir(path string) (dir, error) {
	root, err := os.OpenRoot(path)
	if err == nil {
		return rootDir{root}, nil
	}
	// A folder that may be written to and not read can't be opened, but has files all the same.
	if st, serr := os.Stat(path); errors.Is(err, fs.ErrPermission) && serr == nil && st.IsDir() {
		return pathDir(path), nil
	}
	return nil, err
}

// pathDir is a folder that can't be opened.
type pathDir string

func (d pathDir) at(name string) string { return filepath.Join(string(d), name) }

func (d pathDir) OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	return os.OpenFile(d.at(name), flag, perm)
}

func (d pathDir) Lstat(name string) (fs.FileInfo, error) { return os.Lstat(d.at(name)) }
func (d pathDir) Link(oldname, newname string) error     { return os.Link(d.at(oldname), d.at(newname)) }

func (d pathDir) Rename(oldname, newname string) error {
	return os.Rename(d.at(oldname), d.at(newname))
}
func (d pathDir) Remove(name string) error                  { return os.Remove(d.at(name)) }
func (d pathDir) RemoveAll(name string) error               { return os.RemoveAll(d.at(name)) }
func (d pathDir) Chtimes(name string, a, m time.Time) error { return os.Chtimes(d.at(name), a, m) }
func (d pathDir) Mkdir(name string, perm fs.FileMode) error { return os.Mkdir(d.at(name), perm) }
func (d pathDir) Sub(name string) (dir, error)              { return openDir(d.at(name)) }
func (d pathDir) Close() error                              { return nil }

// descend opens the folder at rel below d, with '/' between its parts, and makes what is missing.
// No link is followed: it may be another user's.
func descend(d dir, rel, shown string) (dir, error) {
	at := d
	for part := range strings.SplitSeq(rel, "/") {
		if part == "" || part == "." {
			continue
		}
		shown = filepath.Join(shown, part)
		next, err := enter(at, part, shown)
		if at != d {
			_ = at.Close() // nothing is written through it
		}
		if err != nil {
			return nil, err
		}
		at = next
	}
	return at, nil
}

// enter opens the folder called name in d, which it makes when it is missing.
func enter(d dir, name, shown string) (dir, error) {
	st, err := d.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = d.Mkdir(name, 0o777) // less the umask, as for any folder a user makes
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fault.New(fault.Failed, "can't make the folder %s: %w", shown, fault.Reason(err))
		}
		st, err = d.Lstat(name)
	}
	switch {
	case err != nil:
		return nil, fault.New(fault.Failed, "can't make the folder %s: %w", shown, fault.Reason(err))
	case st.Mode()&fs.ModeSymlink != 0:
		return nil, fault.New(fault.NotAllowed, "%s is a link, and links are not followed: remove it, or give another folder with -o", shown)
	case !st.IsDir():
		return nil, fault.New(fault.Failed, "can't make the folder %s: a file of that name is there", shown)
	}
	sub, err := d.Sub(name)
	if err != nil {
		return nil, fault.New(fault.Failed, "can't open the folder %s: %w", shown, fault.Reason(err))
	}
	opened, err := sub.Lstat(".")
	if err != nil || !os.SameFile(st, opened) {
		_ = sub.Close() // nothing was done in it
		return nil, fault.New(fault.NotAllowed, "the folder %s was just replaced: try again", shown)
	}
	return sub, nil
}
