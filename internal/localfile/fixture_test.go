package localfile

import (
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/blake3"
)

// want describes a file of the ring that has text.
func want(name, text string) Want {
	h := blake3.Sum256([]byte(text))
	return Want{Name: name, Size: int64(len(text)), Hash: hex.EncodeToString(h[:])}
}

// fetch writes text to a target, as a get does.
func fetch(t *Target, err error, text string) error {
	if err != nil {
		return err
	}
	if _, err := t.File.WriteString(text); err != nil {
		t.Abandon(false)
		return err
	}
	return t.Commit()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// noParts says that no temporary file is left below dir.
func noParts(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".part") {
			t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// foldingDir is a folder in which case doesn't count, as on macOS, Windows and exFAT.
type foldingDir struct{ dir }

func fold(name string) string { return strings.ToLower(name) }

func (d foldingDir) OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	return d.dir.OpenFile(fold(name), flag, perm)
}
func (d foldingDir) Lstat(name string) (fs.FileInfo, error) { return d.dir.Lstat(fold(name)) }
func (d foldingDir) Link(o, n string) error                 { return d.dir.Link(fold(o), fold(n)) }
func (d foldingDir) Rename(o, n string) error               { return d.dir.Rename(fold(o), fold(n)) }
func (d foldingDir) Remove(name string) error               { return d.dir.Remove(fold(name)) }
func (d foldingDir) Mkdir(name string, p fs.FileMode) error { return d.dir.Mkdir(fold(name), p) }
func (d foldingDir) Chtimes(name string, a, m time.Time) error {
	return d.dir.Chtimes(fold(name), a, m)
}

func (d foldingDir) Sub(name string) (dir, error) {
	sub, err := d.dir.Sub(fold(name))
	if err != nil {
		return nil, err
	}
	return foldingDir{sub}, nil
}
