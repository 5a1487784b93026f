//go:build !windows

package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/p2pchord/p2pchord/internal/fault"
)

const (
	othersWrite = 0o022
	sticky      = fs.ModeSticky
)

// checkPrivate refuses a data folder that somebody else may write to, or could put another in the
// place of, like OpenSSH's StrictModes. On a file system without modes it returns a warning
// instead.
func checkPrivate(dir string) (warning string, err error) {
	resolved, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", fault.New(fault.Failed, "can't look at the data folder %s: %w", dir, cause(err))
	}
	if resolved, err = filepath.Abs(resolved); err != nil {
		return "", fault.New(fault.Failed, "can't look at the data folder %s: %w", dir, err)
	}
	err = checkFolder(dir, resolved)
	if err != nil && !keepsModes(resolved) {
		return fmt.Sprintf("the file system of the data folder %s has no owners and modes: other users of this machine may read and write it; mount it with uid=%d,umask=077", dir, os.Geteuid()), nil
	}
	if err != nil {
		return "", err
	}
	for at := filepath.Dir(resolved); ; at = filepath.Dir(at) {
		if err := checkParent(dir, at); err != nil {
			return "", err
		}
		if at == filepath.Dir(at) {
			return "", nil
		}
	}
}

// checkFolder refuses a folder that belongs to somebody else, or that others may write to.
func checkFolder(dir, resolved string) error {
	st, err := os.Stat(resolved)
	if err != nil {
		return fault.New(fault.Failed, "can't look at the data folder %s: %w", dir, cause(err))
	}
	if owner := ownerOf(st); owner != os.Geteuid() {
		return fault.New(fault.NotAllowed, "the data folder %s belongs to %s, who could change what is in it: run as that user, or chown -R it, or give another --data", dir, userName(owner))
	}
	if st.Mode().Perm()&othersWrite != 0 {
		return fault.New(fault.NotAllowed, "others may write to the data folder %s (mode %04o): chmod go-w %s", dir, st.Mode().Perm(), dir)
	}
	return nil
}

// checkParent refuses a folder above the data folder in which somebody else could rename it.
func checkParent(dir, at string) error {
	st, err := os.Stat(at)
	if errors.Is(err, fs.ErrPermission) {
		return nil // who may not look into it has the folder from somebody who may
	}
	if err != nil {
		return fault.New(fault.Failed, "can't look at %s, above the data folder %s: %w", at, dir, cause(err))
	}
	const what = "could put another folder in the place of the data folder"
	if owner := ownerOf(st); owner != 0 && owner != os.Geteuid() && keepsModes(dir) {
		return fault.New(fault.NotAllowed, "%s, above the data folder %s, belongs to %s, who %s: give --data a folder elsewhere", at, dir, userName(owner), what)
	}
	writers := st.Mode().Perm() & othersWrite
	if writers == 0o020 && isOwnGroup(st) {
		return nil
	}
	if writers != 0 && st.Mode()&sticky == 0 && keepsModes(dir) {
		return fault.New(fault.NotAllowed, "others may write to %s (mode %04o), above the data folder %s, and so %s: chmod go-w %s", at, st.Mode().Perm(), dir, what, at)
	}
	return nil
}

// keepsModes reports whether a file in dir has the mode that it is made with.
func keepsModes(dir string) bool {
	f, err := os.CreateTemp(dir, ".mode-"+tempMark)
	if err != nil {
		return true // a folder that can't be written to is refused for that
	}
	defer func() { _ = os.Remove(f.Name()) }()
	defer func() { _ = f.Close() }() // it is empty
	st, err := f.Stat()
	return err != nil || st.Mode().Perm() == 0o600 && ownerOf(st) == os.Geteuid()
}

func ownerOf(i fs.FileInfo) int {
	if st, ok := i.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid)
	}
	return os.Geteuid()
}

// isOwnGroup reports whether a folder's group is that of this user alone, by the custom that it has
// the user's name.
func isOwnGroup(i fs.FileInfo) bool {
	st, ok := i.Sys().(*syscall.Stat_t)
	if !ok || int(st.Gid) != os.Getegid() {
		return false
	}
	g, err := user.LookupGroupId(strconv.Itoa(int(st.Gid)))
	u, uerr := user.LookupId(strconv.Itoa(os.Geteuid()))
	return err == nil && uerr == nil && g.Name == u.Username
}

func userName(uid int) string {
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return "the user " + id
}
