package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// Format is the version of the layout of a data folder that this program writes.
const Format = 1

const (
	lockName   = "lock"
	formatName = "format"
	formatWord = "p2pchord "
)

// ErrLocked means that another process has the data folder.
var ErrLocked = errors.New("locked by another process")

// Folder is a data folder that this process alone may use until Unlock.
type Folder struct {
	Dir string
	// Warning is a problem with the folder that doesn't prevent its use, or empty.
	Warning string
	lock    *flock.Flock
}

// LockFolder makes the folder if there is none (only its user may enter), locks it for this process
// or fails at once, checks its format, and removes temporary files. The errors are of the kind
// fault.NotAllowed: another process has it (ErrLocked), others may write to it, or a newer program
// wrote it.
func LockFolder(dir string) (*Folder, error) {
	if err := MakeFolder(dir, 0o700); err != nil {
		return nil, err
	}
	warning, err := checkPrivate(dir)
	if err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, lockName), flock.SetPermissions(0o600))
	got, err := tryLock(lock)
	if err != nil {
		return nil, fmt.Errorf("locking the data folder %s: %w", dir, err)
	}
	if !got {
		return nil, &fault.Error{
			Code: fault.NotAllowed, Err: ErrLocked,
			Msg: fmt.Sprintf("the data folder %s is in use by another process; stop that one, or give another --data", dir),
		}
	}
	f := &Folder{Dir: dir, Warning: warning, lock: lock}
	if err := errors.Join(checkFormat(dir), Sweep(dir)); err != nil {
		return nil, errors.Join(err, f.Unlock())
	}
	return f, nil
}

// tryLock takes the lock. One that Locked holds, for an instant, is waited for.
func tryLock(lock *flock.Flock) (got bool, err error) {
	for range 5 {
		if got, err = lock.TryLock(); got || err != nil {
			return got, err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false, nil
}

// Locked reports whether a process has the data folder dir, as far as that can be determined.
func Locked(dir string) bool {
	name := filepath.Join(dir, lockName)
	if _, err := os.Stat(name); err != nil {
		return false
	}
	lock := flock.New(name, flock.SetFlag(os.O_RDONLY))
	got, err := lock.TryRLock()
	if got {
		_ = lock.Unlock() // closing it does as well
	}
	return err == nil && !got
}

func checkFormat(dir string) error {
	path := filepath.Join(dir, formatName)
	b, err := os.ReadFile(path) //nolint:gosec // the user's own folder
	if errors.Is(err, fs.ErrNotExist) {
		return WriteFile(path, []byte(formatWord+strconv.Itoa(Format)+"\n"), 0o600)
	}
	if err != nil {
		return fmt.Errorf("reading the format of the data folder: %w", err)
	}
	v, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(string(b), formatWord)))
	switch {
	case err != nil || v < 1 || !strings.HasPrefix(string(b), formatWord):
		return fault.New(fault.NotAllowed, "%s does not name a format of p2pchord; is %s another program's folder?", path, dir)
	case v > Format:
		return fault.New(fault.NotAllowed, "the data folder %s has format %d, this program knows up to %d; use a newer p2pchord", dir, v, Format)
	}
	return nil
}

// Unlock unlocks the folder. It may be called more than once.
func (f *Folder) Unlock() error {
	if err := f.lock.Unlock(); err != nil {
		return fmt.Errorf("unlocking the data folder %s: %w", f.Dir, err)
	}
	return nil
}
