package durable_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWriteFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "identity")
	for _, data := range []string{"old", "", "new and longer"} {
		check(t, durable.WriteFile(path, []byte(data), 0o600))
		b, err := os.ReadFile(path)
		check(t, err)
		if string(b) != data {
			t.Errorf("got %q, want %q", b, data)
		}
	}
	if st, err := os.Stat(path); err != nil || (runtime.GOOS != "windows" && st.Mode().Perm() != 0o600) {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if names, _ := os.ReadDir(filepath.Dir(path)); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
	if err := durable.WriteFile(filepath.Join(path, "below a file"), nil, 0o600); err == nil {
		t.Error("written below a file")
	}
}

// memFS is a file system that forgets what was not synced, and can fail.
type memFS struct {
	*vfs.MemFS
	left int  // operations until one fails; negative: none
	done bool // the one that fails is done all the same
	at   func()
}

var errDisk = errors.New("the disk is broken")

func (m *memFS) do(op func() error) error {
	if m.at != nil {
		m.at()
	}
	if m.left--; m.left != -1 {
		return op()
	}
	if m.done {
		_ = op()
	}
	return errDisk
}

type memFile struct {
	vfs.File
	m *memFS
}

func (m *memFS) Create(name string, _ fs.FileMode) (f durable.File, err error) {
	err = m.do(func() error {
		v, err := m.MemFS.Create(name, vfs.WriteCategoryUnspecified)
		f = memFile{v, m}
		return err
	})
	return f, err
}

func (m *memFS) Rename(a, b string) error { return m.do(func() error { return m.MemFS.Rename(a, b) }) }

func (m *memFS) Remove(name string) error { return m.do(func() error { return m.MemFS.Remove(name) }) }

func (m *memFS) SyncFolder(dir string) error {
	return m.do(func() error {
		d, err := m.OpenDir(dir)
		if err != nil {
			return err
		}
		return errors.Join(d.Sync(), d.Close())
	})
}

func (f memFile) Write(p []byte) (n int, err error) {
	err = f.m.do(func() error { n, err = f.File.Write(bytes.Clone(p)); return err })
	return n, err
}
func (f memFile) Sync() error { return f.m.do(f.File.Sync) }

func read(t *testing.T, m *vfs.MemFS) string {
	t.Helper()
	f, err := m.Open("d/f")
	if err != nil {
		return err.Error()
	}
	b := make([]byte, 10000)
	n, _ := f.Read(b)
	check(t, f.Close())
	return string(b[:n])
}

// TestOrder cuts the power before each step, with nothing or all of what was not
// synced, and fails each step, done or not: there is the old file or the new, and the
// new one once WriteFile has said so.
func TestOrder(t *testing.T) {
	t.Parallel()
	old, young := strings.Repeat("old", 2000), strings.Repeat("new!", 2000)
	for _, done := range []bool{false, true} {
		for left := -1; left < 6; left++ {
			m := &memFS{MemFS: vfs.NewCrashableMem(), left: -1}
			check(t, m.MkdirAll("d", 0o700))
			check(t, m.SyncFolder(""))
			check(t, durable.WriteFileOn(m, "d/f", []byte(old), 0o600))
			m.left, m.done = left, done
			crash := func(acked bool) {
				for _, share := range []int{0, 100} {
					c := vfs.CrashCloneCfg{UnsyncedDataPercent: share, RNG: rng()}
					if got := read(t, m.CrashClone(c)); got != young && (acked || got != old) {
						t.Errorf("fault at %d, done %v: %.20q… after a power cut", left, done, got)
					}
				}
			}
			m.at = func() { crash(false) }
			err := durable.WriteFileOn(m, "d/f", []byte(young), 0o600)
			m.at = nil
			crash(err == nil)
			if (err == nil) != (left == -1 || left >= 5) {
				t.Errorf("fault at %d, done %v: %v", left, done, err)
			}
			if names, _ := m.List("d"); err != nil && (left != 0 || !done) && len(names) != 1 {
				t.Errorf("fault at %d, done %v: left behind: %v", left, done, names)
			}
		}
	}
}

func TestLockFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "yet there")
	f, err := durable.LockFolder(dir)
	check(t, err)
	leftover := filepath.Join(dir, ".identity.durable-tmp-x")
	check(t, os.WriteFile(leftover, nil, 0o600))
	if _, err := durable.LockFolder(dir); !errors.Is(err, durable.ErrLocked) || fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("a second time: %v", err)
	}
	out, err := again(t, dir)
	if err == nil || !strings.Contains(out, "in use by another process") {
		t.Errorf("another process: %s, %v", out, err)
	}
	check(t, f.Unlock())
	check(t, f.Unlock())
	f, err = durable.LockFolder(dir)
	check(t, err)
	if _, err := os.Stat(leftover); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a temporary file is still there: %v", err)
	}
	check(t, f.Unlock())
	for what, format := range map[string]string{"newer": "p2pchord 2\n", "another program's": "%PDF\n", "empty": ""} {
		check(t, os.WriteFile(filepath.Join(dir, "format"), []byte(format), 0o600))
		if _, err := durable.LockFolder(dir); fault.CodeOf(err) != fault.NotAllowed {
			t.Errorf("%s format: %v", what, err)
		}
	}
}

// again locks dir in another process.
func again(t *testing.T, dir string) (string, error) {
	t.Helper()
	exe, err := os.Executable()
	check(t, err)
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^$")
	cmd.Env = append(os.Environ(), "DURABLE_LOCK="+dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestMain(m *testing.M) {
	if dir := os.Getenv("DURABLE_LOCK"); dir != "" {
		if _, err := durable.LockFolder(dir); err != nil {
			_, _ = os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func rng() *rand.Rand { return rand.New(rand.NewPCG(1, 1)) }
