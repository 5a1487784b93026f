package localfile

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// finish gives the file its mode and its time.
func (t *Target) finish() error {
	t.keepMode()
	if !t.want.Modified.IsZero() {
		// not every file system has every time
		_ = t.dir.Chtimes(t.temp, time.Time{}, t.want.Modified)
	}
	if !t.session.opt.Sync {
		return nil
	}
	if err := t.File.Sync(); err != nil {
		return cantWrite(t.shown, err)
	}
	return nil
}

// place gives the file its name, and closes it.
func (t *Target) place() error {
	t.session.mu.Lock()
	defer t.session.mu.Unlock()
	now, err := t.dir.Lstat(t.base)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cantWrite(t.shown, err)
	}
	there := err == nil
	switch {
	case !there:
	case t.collides(now) != nil:
		return t.collides(now)
	case !t.session.opt.Force:
		return overwriting(t.shown)
	case now.IsDir():
		return fault.New(fault.Failed, "%s was just replaced by a folder: try again", t.shown)
	case now.Mode().IsRegular() && (t.replaces == nil || !os.SameFile(now, t.replaces)):
		t.replaces = now // it appeared meanwhile
		t.keepMode()
	}
	mine, err := t.File.Stat()
	if err != nil {
		return cantWrite(t.shown, err)
	}
	if err := t.rename(mine); err != nil {
		return err
	}
	t.claims.add(t.want.Name)
	t.session.note(mine, t.want.Name)
	return nil
}

// rename gives the temporary file its name, and closes it.
func (t *Target) rename(mine fs.FileInfo) error {
	if !renameOpen {
		if err := t.File.Close(); err != nil {
			return cantWrite(t.shown, err)
		}
	} else if st, err := t.dir.Lstat(t.temp); err != nil || !os.SameFile(st, mine) {
		return fault.New(fault.NotAllowed, "can't write %s: another program replaced the temporary file beside it", t.shown)
	}
	if err := t.giveName(); err != nil {
		return err
	}
	if !renameOpen {
		return nil
	}
	// It is closed only now, because that gives up the lock on the temporary file.
	st, err := t.dir.Lstat(t.base)
	if err != nil || !os.SameFile(st, mine) {
		return fault.New(fault.NotAllowed, "can't write %s: another program just replaced it", t.shown)
	}
	if err := t.File.Close(); err != nil {
		return cantWrite(t.shown, err)
	}
	return nil
}

// giveName moves the temporary file. Without Force a file that has appeared there in the meantime
// is not replaced: a link, unlike a rename, fails then.
func (t *Target) giveName() error {
	if !t.session.opt.Force {
		err := t.dir.Link(t.temp, t.base)
		if err == nil {
			_ = t.dir.Remove(t.temp) // a second name of a whole file, if it stays
			return nil
		}
		if _, there := t.dir.Lstat(t.base); errors.Is(err, fs.ErrExist) || there == nil {
			return overwriting(t.shown)
		}
		// A file system without links: nothing was there a moment ago.
	}
	if err := t.dir.Rename(t.temp, t.base); err != nil {
		return cantWrite(t.shown, err)
	}
	return nil
}

// keepMode sets the permissions: those of the file that it replaces, or otherwise those of the
// record within the user's umask. Until then only the user can read it, so that a failure gives
// access to nobody.
func (t *Target) keepMode() {
	if t.replaces != nil {
		mode := t.replaces.Mode().Perm()
		if !keepOwner(t.File, t.replaces) || !keepACL(t.File, t.dir, t.base) {
			mode &^= 0o070 // its group is another one, which could not read the old file
		}
		_ = t.File.Chmod(mode) // see above
		return
	}
	mode := fs.FileMode(0o666)
	if t.want.Mode != 0 {
		mode = t.want.Mode.Perm() | 0o400
	}
	_ = t.File.Chmod(mode &^ umask) // see above
}
