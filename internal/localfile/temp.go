package localfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
)

// errPartNotOurs means that the temporary file of a target can't be used.
var errPartNotOurs = errors.New("another user has made it, or another command is writing it")

// openTemp opens the temporary file: the one that an interrupted command has left, or a new one,
// which the next command would find. If that file is another user's, or another command works on
// it, it makes a new one with another name.
func (t *Target) openTemp() error {
	// Names that only the ring distinguishes have different ones.
	id := blake3sum.Sum([]byte(t.want.Name + "\x00" + t.base))
	t.temp, t.resumes = partName(id[:6]), true
	var err error
	if t.File, err = openPart(t.dir, t.temp); err == nil {
		st, err := t.File.Stat()
		t.resumes = err == nil && isOurs(st) // otherwise the next command would not use it
		return nil
	}
	if !errors.Is(err, errPartNotOurs) {
		return cantWrite(t.shown, err)
	}
	_, _ = rand.Read(id[:6]) // never fails, by its contract
	t.temp, t.resumes = partName(id[:6]), false
	if t.File, err = newPart(t.dir, t.temp); err != nil {
		return cantWrite(t.shown, err)
	}
	return nil
}

func partName(id []byte) string { return ".p2pchord-" + hex.EncodeToString(id) + ".part" }

// newPart makes a temporary file, which only this user may read until it is complete.
func newPart(d dir, name string) (*os.File, error) {
	return d.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
}
