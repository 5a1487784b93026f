package localfile

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// Want describes a file of the ring.
type Want struct {
	Name     string // in the ring
	Size     int64
	Hash     string      // BLAKE3-256 in hex; empty when it isn't known
	Mode     fs.FileMode // permission bits; 0 when they aren't known
	Modified time.Time
}

// Options are the ways of writing files.
type Options struct {
	Force bool // replace a different file
	Sync  bool // make written files survive a power cut
}

// Session is the writing of one command. It is safe for concurrent use.
type Session struct {
	opt Options

	// mu is held while a file gets its name, so that no other file of this session gets that name
	// between the check and the rename.
	mu      sync.Mutex
	written map[identity][]written
}

// written is a file that has its name by this session.
type written struct {
	file fs.FileInfo
	name string // in the ring
}

// NewSession begins to write the files of one command.
func NewSession(opt Options) *Session { return &Session{opt: opt, written: map[identity][]written{}} }

// ours returns the ring's name of the file if this session has written it; false if it hasn't. The
// file system itself decides: names that are different in the ring, such as a and A, may be equal
// to it.
func (s *Session) ours(file fs.FileInfo) (string, bool) {
	for _, w := range s.written[identityOf(file)] {
		if os.SameFile(w.file, file) {
			return w.name, true
		}
	}
	return "", false
}

func (s *Session) note(file fs.FileInfo, name string) {
	id := identityOf(file)
	s.written[id] = append(s.written[id], written{file, name})
}

// File prepares to write a file to the path that the user has given for it. A link there stays, and
// leads to the new file, unless another user has made it. A file that is not regular, such as
// /dev/null, is written in place.
func (s *Session) File(path string, w Want) (*Target, error) {
	path, err := follow(path)
	if err != nil {
		return nil, err
	}
	st, err := os.Stat(path)
	if err == nil && !st.Mode().IsRegular() && !st.IsDir() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, cantWrite(path, err)
		}
		return &Target{shown: path, File: f}, nil
	}
	d, err := openDir(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Failed, "can't write %s: there is no folder %s; make it first", path, filepath.Dir(path))
	}
	if err != nil {
		return nil, cantWrite(path, err)
	}
	return s.open(d, filepath.Base(path), path, w, nil)
}

// maxLinks is how many links that lead to each other are followed, as the kernel does.
const maxLinks = 40

// follow returns where the user's own links at path lead to, and refuses another user's.
func follow(path string) (string, error) {
	first := path
	for range maxLinks {
		st, err := os.Lstat(path)
		if err != nil || st.Mode()&fs.ModeSymlink == 0 {
			return path, nil //nolint:nilerr // what is wrong with it is found when it is written
		}
		if isForeign(st) {
			return "", foreignLink(path)
		}
		to, err := os.Readlink(path)
		if err != nil {
			return "", cantWrite(path, err)
		}
		if now, err := os.Lstat(path); err != nil || !os.SameFile(st, now) {
			return "", fault.New(fault.NotAllowed, "%s was just replaced by another link: try again", path)
		}
		if _, err := os.Stat(path); err != nil {
			return path, nil //nolint:nilerr // a link that leads nowhere has no file to name
		}
		if !filepath.IsAbs(to) {
			to = filepath.Dir(path) + string(filepath.Separator) + to
		}
		if _, err := os.Lstat(to); err != nil {
			return path, nil //nolint:nilerr // such as /dev/stdout, which leads to no path
		}
		folder, base := filepath.Split(to)
		// before ".." is taken out of it
		if folder, err = filepath.EvalSymlinks(folder); err != nil {
			return "", cantWrite(path, err)
		}
		path = filepath.Join(folder, base)
	}
	return "", fault.New(fault.Failed, "can't write %s: too many links lead to each other", first)
}

// foreignLink is the refusal to follow a link of another user.
func foreignLink(path string) error {
	return fault.New(fault.NotAllowed, "%s is a link that another user has made, and is not followed: remove it, or give -o FILE to write elsewhere", path)
}

// Named prepares to write a file into a folder under the last part of its name in the ring.
func (s *Session) Named(folder string, w Want) (*Target, error) {
	base := path.Base(w.Name)
	if err := CheckName(base); err != nil {
		return nil, err
	}
	where := filepath.Join(folder, base)
	if st, err := os.Lstat(where); err == nil && !st.Mode().IsRegular() && !st.IsDir() && st.Mode()&fs.ModeSymlink == 0 {
		// the name comes from the ring, so the user did not choose this file
		return nil, special(where)
	}
	return s.File(where, w)
}

func special(path string) error {
	return fault.New(fault.NotAllowed, "%s is not a regular file: remove it, or give -o FILE to write elsewhere", path)
}

// Tree is a folder in which a session writes files under their whole names.
type Tree struct {
	session *Session
	path    string
	dir     dir
	claims  *claims
}

// OpenTree opens the folder at path, which it makes when it is missing.
func (s *Session) OpenTree(path string) (*Tree, error) {
	if err := os.MkdirAll(path, 0o777); err != nil { //nolint:gosec // less the umask, as for any folder a user makes
		return nil, fault.New(fault.Failed, "can't make the folder %s: %w", path, fault.Reason(err))
	}
	d, err := openDir(path)
	if err != nil {
		return nil, fault.New(fault.Failed, "can't open the folder %s: %w", path, fault.Reason(err))
	}
	return &Tree{session: s, path: path, dir: d, claims: newClaims(d)}, nil
}

// Close closes the folder. The targets in it have been committed or abandoned.
func (t *Tree) Close() error { return errors.Join(t.claims.close(), t.dir.Close()) }

// File prepares to write a file, and makes the folders that lead to it. No link below the folder
// is followed.
func (t *Tree) File(w Want) (*Target, error) {
	if err := CheckName(w.Name); err != nil {
		return nil, err
	}
	d, err := descend(t.dir, path.Dir(w.Name), t.path)
	if err != nil {
		return nil, err
	}
	if d == t.dir {
		d = shared{d}
	}
	where := filepath.Join(t.path, filepath.FromSlash(w.Name))
	st, err := d.Lstat(path.Base(w.Name))
	switch {
	case err == nil && st.Mode()&fs.ModeSymlink != 0:
		err = fault.New(fault.NotAllowed, "%s is a link, and links are not followed: remove it, or fetch the file with -o FILE", where)
	case err == nil && !st.Mode().IsRegular() && !st.IsDir():
		err = special(where)
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	}
	if err != nil {
		_ = d.Close() // nothing was written
		return nil, err
	}
	return t.session.open(d, path.Base(w.Name), where, w, t.claims)
}

// shared is a dir that stays open.
type shared struct{ dir }

func (shared) Close() error { return nil }
