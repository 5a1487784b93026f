package main

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/zeebo/blake3"

	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// errEqual says that the very file is there already.
var errEqual = errors.New("an equal file is there already")

// target is a file that appears under its name only when it is whole: until then
// it is a temporary one beside it. What has come of a large file stays in that one
// when the transfer is interrupted, and the same command continues there.
type target struct {
	path  string // what it becomes
	temp  string // empty when it is written in place
	file  *os.File
	force bool
	fsync bool // when it is whole, make it durable
	stays bool // the same command would find temp again
}

// openTarget prepares path to receive the file that i describes. What is no
// regular file, like /dev/null, is written in place.
func openTarget(path string, i node.FileInfo, force bool) (*target, error) {
	if leadsTo, err := filepath.EvalSymlinks(path); err == nil {
		path = leadsTo // a link stays, and leads to the new file
	}
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fault.New(fault.Failed, "can't write %s: %w", path, reason(err))
	case st.IsDir():
		return nil, fault.New(fault.Failed, "%s is a folder: say where to write with -o", path)
	case !st.Mode().IsRegular():
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, fault.New(fault.Failed, "can't write %s: %w", path, reason(err))
		}
		return &target{path: path, file: f}, nil
	default:
		equal, err := isEqual(path, st.Size(), i)
		if err != nil {
			return nil, err
		}
		if equal {
			return nil, errEqual
		}
		if !force {
			return nil, overwriting(path)
		}
	}
	return newTemp(path, force)
}

// newTemp opens the temporary file of path: the one that an interrupted command has
// left, or a new one, which the next command would find. When another command is at
// work on that one it is a file of its own.
func newTemp(path string, force bool) (*target, error) {
	name := blake3.Sum256([]byte(filepath.Base(path)))
	temp := filepath.Join(filepath.Dir(path), ".p2pchord-"+hex.EncodeToString(name[:6])+".part")
	f, err := openPart(temp)
	switch {
	case err == nil:
		return &target{path: path, temp: temp, file: f, force: force, stays: true}, nil
	case !errors.Is(err, errPartInUse):
		return nil, fault.New(fault.Failed, "can't write %s: %w", path, reason(err))
	}
	var id [6]byte
	_, _ = rand.Read(id[:]) // never fails, by its contract
	temp = filepath.Join(filepath.Dir(path), ".p2pchord-"+hex.EncodeToString(id[:])+".part")
	// 0666 less the umask, as for any file a user makes.
	f, err = os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666) //nolint:gosec // see above
	if err != nil {
		return nil, fault.New(fault.Failed, "can't write %s: %w", path, reason(err))
	}
	return &target{path: path, temp: temp, file: f, force: force}, nil
}

// overwriting is the refusal to replace a file.
func overwriting(path string) error {
	return fault.New(fault.NotAllowed, "a different file is at %s: give --force to replace it, or -o to write elsewhere", path)
}

// isEqual tells whether the file at path has the bytes that i describes.
func isEqual(path string, size int64, i node.FileInfo) (bool, error) {
	if size != i.Size || i.Hash == "" {
		return false, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return false, fault.New(fault.Failed, "can't compare with %s: %w", path, reason(err))
	}
	defer func() { _ = f.Close() }() // it was only read
	h := blake3.New()
	if _, err := io.Copy(h, bufio.NewReaderSize(f, 1<<20)); err != nil {
		return false, fault.New(fault.Failed, "can't compare with %s: %w", path, reason(err))
	}
	return hex.EncodeToString(h.Sum(nil)) == i.Hash, nil
}

// errPartInUse says that the temporary file of a path can't be shared.
var errPartInUse = errors.New("another command is writing it")

// commit makes the file appear. With fsync its bytes are on the disk before its name is.
func (t *target) commit() error {
	if t.temp == "" {
		return t.file.Close()
	}
	if t.fsync {
		if err := t.file.Sync(); err != nil {
			return t.cantWrite(err)
		}
	}
	if !renameOpen {
		if err := t.file.Close(); err != nil {
			return t.cantWrite(err)
		}
	}
	if err := t.place(); err != nil {
		return err
	}
	t.temp = ""
	if renameOpen { // closed only after it has its name, for that gives up the claim to the temporary file
		if err := t.file.Close(); err != nil {
			return t.cantWrite(err)
		}
	}
	if !t.fsync {
		return nil
	}
	if err := durable.OS.SyncFolder(filepath.Dir(t.path)); err != nil && !errors.Is(err, fs.ErrPermission) {
		// A folder that may be written but not read can't be synced; the system does it in its time.
		return fault.New(fault.Failed, "can't make %s durable: %w", t.path, err)
	}
	return nil
}

func (t *target) cantWrite(err error) error {
	return fault.New(fault.Failed, "can't write %s: %w", t.path, reason(err))
}

// place gives the file its name. Without force a file that has come there in the
// meantime is not replaced: a link, unlike a rename, fails then.
func (t *target) place() error {
	if !t.force {
		err := os.Link(t.temp, t.path)
		if err == nil {
			_ = os.Remove(t.temp) // a second name of a whole file, if it stays
			return nil
		}
		if _, there := os.Lstat(t.path); errors.Is(err, fs.ErrExist) || there == nil {
			return overwriting(t.path)
		}
		// A file system without links: nothing was there a moment ago.
	}
	if err := os.Rename(t.temp, t.path); err != nil {
		return fault.New(fault.Failed, "can't write %s: %w", t.path, err)
	}
	return nil
}

// abandon ends what could not be committed because of err. What has come of a file of
// several blocks stays when the same command may succeed later.
func (t *target) abandon(err error) {
	keep := false
	if err == nil {
		err = errors.New("not wanted any more")
	}
	switch gateway.ProblemOf(err).Code {
	case fault.Interrupted, fault.TryAgain, fault.Unreachable, fault.Uncertain, fault.Busy:
		st, serr := t.file.Stat()
		keep = t.stays && serr == nil && st.Size() >= node.DefaultBlockSize
	default:
	}
	if t.temp != "" && !keep {
		_ = os.Remove(t.temp)
	}
	_ = t.file.Close()
}

// localWrite gives a failure to write to what is called name its kind; errors that
// are none it returns as they are.
func localWrite(name string, err error) error {
	var p *fs.PathError
	switch {
	case !errors.As(err, &p) || !strings.HasPrefix(p.Op, "write"):
		return err
	case errors.Is(err, syscall.ENOSPC):
		return fault.New(fault.NoSpace, "can't write %s: %w", name, p.Err)
	}
	return fault.New(fault.Failed, "can't write %s: %w", name, p.Err)
}
