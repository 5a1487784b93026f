package localfile

import (
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
)

// want describes a file of the ring that has text.
func want(name, text string) Want {
	h := blake3sum.Sum([]byte(text))
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

// noParts checks that no temporary file is left below dir.
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
type foldingDir struct {
	dir
	path string
	// seen, if not nil, makes it one in which a file has another identity under each of its names,
	// as in file systems in user space: it has the name that each file was given last.
	seen *sync.Map
}

func fold(name string) string { return strings.ToLower(name) }

// stranger is a file that os.SameFile finds to be no other's.
type stranger struct{ fs.FileInfo }

func (d foldingDir) Lstat(name string) (fs.FileInfo, error) {
	st, err := d.dir.Lstat(fold(name))
	if err != nil || d.seen == nil || name == "." || st.IsDir() {
		return st, err
	}
	if given, ok := d.seen.Load(d.path + fold(name)); ok && given != d.path+name {
		return stranger{st}, nil
	}
	return st, nil
}

func (d foldingDir) Rename(o, n string) error {
	if d.seen != nil {
		d.seen.Store(d.path+fold(n), d.path+n)
	}
	return d.dir.Rename(fold(o), fold(n))
}

func (d foldingDir) Link(o, n string) error {
	if d.seen != nil {
		return syscall.EPERM // such disks have no links
	}
	return d.dir.Link(fold(o), fold(n))
}

func (d foldingDir) OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	return d.dir.OpenFile(fold(name), flag, perm)
}
func (d foldingDir) Remove(name string) error               { return d.dir.Remove(fold(name)) }
func (d foldingDir) RemoveAll(name string) error            { return d.dir.RemoveAll(fold(name)) }
func (d foldingDir) Mkdir(name string, p fs.FileMode) error { return d.dir.Mkdir(fold(name), p) }
func (d foldingDir) Chtimes(name string, a, m time.Time) error {
	return d.dir.Chtimes(fold(name), a, m)
}

func (d foldingDir) Sub(name string) (dir, error) {
	sub, err := d.dir.Sub(fold(name))
	if err != nil {
		return nil, err
	}
	return foldingDir{sub, d.path + fold(name) + "/", d.seen}, nil
}

// foldingTree opens a folder as a disk has it on which case doesn't count.
func foldingTree(t *testing.T, folder string, opt Options, identity bool) *Tree {
	t.Helper()
	d, err := openDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	f := foldingDir{dir: d}
	if !identity {
		f.seen = &sync.Map{}
	}
	tree := &Tree{session: NewSession(opt), path: folder, dir: f, claims: newClaims(f)}
	t.Cleanup(func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
		left, err := os.ReadDir(folder)
		for _, e := range left {
			if strings.HasPrefix(e.Name(), ".p2pchord-") {
				t.Errorf("%s is left; %v", e.Name(), err)
			}
		}
	})
	return tree
}
