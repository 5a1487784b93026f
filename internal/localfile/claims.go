package localfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// claims distinguish names as the disk does, where it treats some as equal: an empty folder beside
// the files gets a file for each name that is written, and if the disk reports that it exists
// already, the name is taken. This works where the identity of a file doesn't, as in file systems
// in user space that number a file by the name it is opened by.
type claims struct {
	parent dir
	name   string // of the folder, in parent
	dir    dir
}

// newClaims makes the folder in d; it returns nil when the disk treats no names as equal there, or
// when that can't be found out.
func newClaims(d dir) *claims {
	var id [6]byte
	_, _ = rand.Read(id[:]) // never fails, by its contract
	name := ".p2pchord-" + hex.EncodeToString(id[:]) + "-\u00e9.names"
	if d.Mkdir(name, 0o700) != nil {
		return nil
	}
	c := &claims{parent: d, name: name}
	if c.folds() {
		var err error
		if c.dir, err = d.Sub(name); err == nil {
			return c
		}
	}
	_ = d.Remove(name) // an empty folder that stays is only in the way
	return nil
}

// folds reports whether the folder is there under other names too.
func (c *claims) folds() bool {
	for _, other := range []string{strings.ToUpper(c.name), strings.Replace(c.name, "\u00e9", "e\u0301", 1), c.name + ".", c.name + " "} {
		if _, err := c.parent.Lstat(other); err == nil {
			return true
		}
	}
	return false
}

// holder returns the name of the ring's file that has been written where name would be.
func (c *claims) holder(name string) (string, bool) {
	if c == nil {
		return "", false
	}
	d, err := descend(c.dir, path.Dir(name), "")
	if err != nil {
		return "", false
	}
	defer c.leave(d)
	f, err := d.OpenFile(path.Base(name), os.O_RDONLY|openFlags, 0)
	if err != nil {
		return "", false
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	return string(text), err == nil && string(text) != name
}

// add notes that a file is written. A file that can't be noted is recognized by its identity, if at
// all.
func (c *claims) add(name string) {
	if c == nil {
		return
	}
	d, err := descend(c.dir, path.Dir(name), "")
	if err != nil {
		return
	}
	defer c.leave(d)
	f, err := newPart(d, path.Base(name))
	if err != nil {
		return
	}
	_, _ = io.WriteString(f, name) // see above
	_ = f.Close()                  // see above
}

func (c *claims) leave(d dir) {
	if d != c.dir {
		_ = d.Close() // nothing that was written through it matters
	}
}

// close removes the folder.
func (c *claims) close() error {
	if c == nil {
		return nil
	}
	err := errors.Join(c.dir.Close(), c.parent.RemoveAll(c.name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
