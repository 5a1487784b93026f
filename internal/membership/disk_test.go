package membership

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network/statement"
)

// fullDisk has no space for new files.
type fullDisk struct{ durable.FS }

func (fullDisk) Create(name string, _ fs.FileMode) (durable.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOSPC}
}

// On a full disk an admin issues nothing, and nobody sees what it could not keep; statements of
// others count, and are written when there is space.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	n, dir, id := home(t)
	b := follower(t, n)
	grantTo(t, n, b, statement.RolesAdmin)
	exchange(t, n, b)
	before, digest := readFile(t, n.file(statementsName)), n.Digest()

	n.fs = fullDisk{durable.OS}
	err := n.Rename(b.Self(), "bob", noon)
	if fault.CodeOf(err) != fault.NoSpace || !strings.Contains(err.Error(), "make space") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
	if n.Digest() != digest || !bytes.Equal(readFile(t, n.file(statementsName)), before) {
		t.Error("something was issued")
	}
	c := follower(t, n)
	grantTo(t, b, c, statement.RolesReader)
	if added, err := n.Add(b.Missing(n.Heads())); added != 1 || fault.CodeOf(err) != fault.NoSpace {
		t.Errorf("added %d, %v", added, err)
	}
	if _, ok := n.Member(c.Self()); !ok {
		t.Error("what b granted doesn't count")
	}
	n.fs = durable.OS
	if _, err := n.Add(nil); err != nil {
		t.Fatal(err)
	}
	if again, err := Open(dir, id); err != nil || again.Digest() != n.Digest() {
		t.Errorf("after a restart: %v", err)
	}
}

// A damaged file is one error that names it, and is left as it is.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func([]byte) []byte{
		statementsName: func(b []byte) []byte { return b[:len(b)-7] },
		"STATEMENTS":   func(b []byte) []byte { b = slices.Clone(b); b[len(b)/2] ^= 1; return b },
		"emptied":      func([]byte) []byte { return nil },
		"longer":       func(b []byte) []byte { return append(slices.Clone(b), 0xff) },
		keysName:       func(b []byte) []byte { return b[:len(b)/2] },
		idName:         func([]byte) []byte { return []byte("net1x\n") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, dir, id := home(t)
			path := filepath.Join(dir, folderName, name)
			if _, err := os.Stat(path); err != nil {
				path = filepath.Join(dir, folderName, statementsName)
			}
			damaged := damage(readFile(t, path))
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(dir, id)
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "restore") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v", err)
			}
			if !bytes.Equal(readFile(t, path), damaged) {
				t.Error("the file was changed")
			}
			if _, err := Create(dir, id, Founding{Name: "x"}, noon); err == nil || !bytes.Equal(readFile(t, path), damaged) {
				t.Errorf("a new network takes its place: %v", err)
			}
		})
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAddressesAreKept(t *testing.T) {
	t.Parallel()
	n, dir, id := home(t)
	for _, addrs := range [][]string{{"/a", "/b"}, {"/c", "/a"}, nil} {
		if err := n.KeepAddresses(addrs); err != nil {
			t.Fatal(err)
		}
	}
	again, err := Open(dir, id)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Addresses(); err != nil || !slices.Equal(got, []string{"/c", "/a", "/b"}) {
		t.Errorf("%v, %v", got, err)
	}
}
