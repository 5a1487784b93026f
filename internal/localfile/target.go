package localfile

import (
	"bufio"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// ErrEqual means that an equal file is there already.
var ErrEqual = errors.New("an equal file is there already")

// Target is a file that appears under its name only when it is complete: until then it is a
// temporary file beside it. It ends with Commit or Abandon.
type Target struct {
	// File takes the bytes.
	File *os.File

	session  *Session
	claims   *claims
	dir      dir
	base     string // its final name, in dir
	temp     string // in dir; empty when it is written in place
	shown    string // its path as users see it
	want     Want
	replaces fs.FileInfo // the file that it replaces, or nil
	resumes  bool        // the same command would find temp again
}

// InPlace reports whether the bytes go straight to the path that the user gave, without a temporary
// file.
func (t *Target) InPlace() bool { return t.temp == "" }

// Path is the name under which it appears.
func (t *Target) Path() string { return t.shown }

// open prepares to write base in d, which it closes at the end.
func (s *Session) open(d dir, base, shown string, w Want, c *claims) (*Target, error) {
	t := &Target{session: s, claims: c, dir: d, base: base, shown: shown, want: w}
	err := t.look()
	if err == nil {
		err = t.openTemp()
	}
	if err != nil {
		_ = d.Close() // nothing was written
		return nil, err
	}
	return t, nil
}

// look checks what is there already.
func (t *Target) look() error {
	st, err := t.dir.Lstat(t.base)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return cantWrite(t.shown, err)
	case st.IsDir():
		return fault.New(fault.Failed, "%s is a folder: say where to write with -o", t.shown)
	case st.Mode()&fs.ModeSymlink != 0: // it leads nowhere
		if !t.session.opt.Force {
			return fault.New(fault.NotAllowed, "%s is a link that leads to no file: give --force to replace it, or -o to write elsewhere", t.shown)
		}
		return nil
	case !st.Mode().IsRegular():
		return special(t.shown)
	}
	equal, err := t.isEqual(st)
	switch {
	case err != nil:
		return err
	case equal:
		return ErrEqual
	}
	if err := t.collision(st); err != nil {
		return err
	}
	if !t.session.opt.Force {
		return overwriting(t.shown)
	}
	t.replaces = st
	return nil
}

// collision returns an error if this session has fetched the file that is there under another name.
func (t *Target) collision(st fs.FileInfo) error {
	t.session.mu.Lock()
	defer t.session.mu.Unlock()
	return t.collides(st)
}

// collides is collision with the lock held.
func (t *Target) collides(st fs.FileInfo) error {
	name, ok := t.session.ours(st)
	if !ok {
		name, ok = t.claims.holder(t.want.Name)
	}
	if ok {
		return fault.New(fault.NotAllowed, "on this disk %s is the same name as that of %q, which was fetched just now and is kept: fetch one of them with -o FILE", t.shown, name)
	}
	return nil
}

// isEqual reports whether the file that is there has the wanted bytes. It then belongs to the
// session: no other file may replace it.
func (t *Target) isEqual(st fs.FileInfo) (bool, error) {
	if st.Size() != t.want.Size || t.want.Hash == "" {
		return false, nil
	}
	f, err := t.dir.OpenFile(t.base, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return false, fault.New(fault.Failed, "can't compare with %s: %w", t.shown, fault.Reason(err))
	}
	defer func() { _ = f.Close() }() // it was only read
	opened, err := f.Stat()
	if err != nil || !os.SameFile(st, opened) {
		return false, fault.New(fault.Failed, "can't compare with %s: another file just took its place; try again", t.shown)
	}
	var h blake3sum.Hasher
	if _, err := io.Copy(&h, bufio.NewReaderSize(f, 1<<20)); err != nil {
		return false, fault.New(fault.Failed, "can't compare with %s: %w", t.shown, fault.Reason(err))
	}
	if sum := h.Sum(); hex.EncodeToString(sum[:]) != t.want.Hash {
		return false, nil
	}
	t.session.mu.Lock()
	defer t.session.mu.Unlock()
	if now, err := t.dir.Lstat(t.base); err != nil || !os.SameFile(now, opened) {
		return false, fault.New(fault.Failed, "%s was replaced while it was compared: try again", t.shown)
	}
	if _, ok := t.session.ours(opened); !ok {
		t.session.note(opened, t.want.Name)
	}
	t.claims.add(t.want.Name)
	return true, nil
}

// Commit makes the file appear. With Options.Sync its bytes are on the disk before its name is.
func (t *Target) Commit() error {
	if t.InPlace() {
		return t.File.Close()
	}
	defer func() { _ = t.dir.Close() }() // what it has is durable, or need not be
	err := t.finish()
	if err == nil {
		err = t.place()
	}
	if err != nil {
		t.discard()
		return err
	}
	if !t.session.opt.Sync {
		return nil
	}
	if err := durable.OS.SyncFolder(filepath.Dir(t.shown)); err != nil && !errors.Is(err, fs.ErrPermission) {
		// A folder that may be written but not read can't be synced; the system does it in its
		// time.
		return fault.New(fault.Failed, "can't make %s durable: %w", t.shown, err)
	}
	return nil
}

// Abandon ends a target that could not be committed. With keep, the bytes so far stay for the same
// command.
func (t *Target) Abandon(keep bool) {
	if t.InPlace() {
		_ = t.File.Close() // it is not complete anyway
		return
	}
	if keep && t.resumes {
		_ = t.File.Close() // bytes that can't be read are fetched again
	} else {
		t.discard()
	}
	_ = t.dir.Close() // nothing was written through it that counts
}

// discard removes the temporary file.
func (t *Target) discard() {
	_ = t.dir.Remove(t.temp) // a hidden file that stays is only in the way
	_ = t.File.Close()
}

// overwriting is the refusal to replace a file.
func overwriting(path string) error {
	return fault.New(fault.NotAllowed, "a different file is at %s: give --force to replace it, or -o to write elsewhere", path)
}

func cantWrite(path string, err error) error {
	return fault.New(fault.Failed, "can't write %s: %w", path, fault.Reason(err))
}
