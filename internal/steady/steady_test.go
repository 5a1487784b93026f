package steady_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/steady"
)

func open(t *testing.T, text string) (*steady.File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	s, err := steady.New(f, st.Size(), st.ModTime())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, path
}

func TestWhole(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x", "some words"} {
		s, _ := open(t, text)
		got, err := io.ReadAll(s)
		if err != nil || string(got) != text {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}

// However the file changes while it is read, its end never comes.
func TestChanges(t *testing.T) {
	t.Parallel()
	later := time.Now().Add(time.Hour)
	for what, change := range map[string]func(path string) error{
		"longer":     func(path string) error { return os.WriteFile(path, []byte("0123456789 and more"), 0o600) },
		"shorter":    func(path string) error { return os.Truncate(path, 7) },
		"same size":  func(path string) error { return os.WriteFile(path, []byte("abcdefghij"), 0o600) },
		"time alone": func(path string) error { return os.Chtimes(path, later, later) },
	} {
		s, path := open(t, "0123456789")
		head := make([]byte, 5)
		if _, err := io.ReadFull(s, head); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(change(path), os.Chtimes(path, later, later)); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(s)
		if !errors.Is(err, steady.ErrChanged) {
			t.Errorf("%s: read %q and then %v, want %v", what, rest, err, steady.ErrChanged)
		}
	}
}

// A file that is another one before it is read is refused at once.
func TestChangedBefore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := steady.New(f, 2, st.ModTime()); !errors.Is(err, steady.ErrChanged) {
		t.Errorf("another size: %v", err)
	}
	if _, err := steady.New(f, 1, st.ModTime().Add(time.Second)); !errors.Is(err, steady.ErrChanged) {
		t.Errorf("another time: %v", err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dir.Close() }()
	if st, err = dir.Stat(); err != nil {
		t.Fatal(err)
	}
	if _, err := steady.New(dir, st.Size(), st.ModTime()); !errors.Is(err, steady.ErrChanged) {
		t.Errorf("a folder: %v", err)
	}
}

// Some files say another size than they have: those of /proc say 0, those of /sys a page.
func TestAFileThatSaysAnotherSize(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/proc/filesystems", "/sys/kernel/mm/transparent_hugepage/enabled"} {
		f, err := os.Open(path)
		if err != nil {
			t.Logf("%s is left out: %v", path, err)
			continue
		}
		defer func() { _ = f.Close() }()
		st, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		s, err := steady.New(f, st.Size(), st.ModTime())
		if err == nil {
			var got []byte
			if got, err = io.ReadAll(s); err == nil {
				t.Errorf("%s says %d bytes, and %d were read", path, st.Size(), len(got))
				continue
			}
		}
		if !errors.Is(err, steady.ErrSize) {
			t.Errorf("%s: %v, want %v", path, err, steady.ErrSize)
		}
	}
}
