package localfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
)

func TestTarget(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	hello := want("f", "hello\n")
	careful, forced := NewSession(Options{}), NewSession(Options{Force: true})

	first, err := careful.File(path, hello)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("the file is there before it is whole")
	}
	if _, err := first.File.WriteString("hello\n"); err != nil {
		t.Fatal(err)
	}
	write(t, path, "other\n") // another one comes first
	if err := first.Commit(); !errors.Is(err, fault.NotAllowed) {
		t.Errorf("a file that came meanwhile: %v", err)
	}
	if _, err := careful.File(path, hello); !errors.Is(err, fault.NotAllowed) {
		t.Errorf("a different file: %v", err)
	}
	target, err := forced.File(path, hello)
	if err := fetch(target, err, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "hello\n" {
		t.Errorf("%q", got)
	}
	if _, err := careful.File(path, hello); !errors.Is(err, ErrEqual) {
		t.Errorf("an equal file: %v", err)
	}
	noParts(t, dir)
}

// What an interrupted command has left is found again.
func TestAPartIsContinued(t *testing.T) {
	t.Parallel()
	if !renameOpen {
		t.Skip("an open file can't be renamed here")
	}
	dir := t.TempDir()
	for i, keep := range []bool{true, true, false, false} {
		target, err := NewSession(Options{}).File(filepath.Join(dir, "f"), want("f", "abc"))
		if err != nil {
			t.Fatal(err)
		}
		st, err := target.File.Stat()
		if wanted := int64([]int{0, 1, 2, 0}[i]); err != nil || st.Size() != wanted {
			t.Errorf("%d: %d bytes were there, want %d; %v", i, st.Size(), wanted, err)
		}
		if err := target.File.Truncate(st.Size() + 1); err != nil {
			t.Fatal(err)
		}
		target.Abandon(keep)
	}
	noParts(t, dir)
}

// Two commands that fetch one file to one place don't write to one temporary file.
func TestAPartIsOneCommandsOwn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	a, err := NewSession(Options{}).File(path, want("f", "abc"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewSession(Options{}).File(path, want("f", "abc"))
	if err != nil {
		t.Fatal(err)
	}
	if a.temp == b.temp {
		t.Errorf("both write to %s", a.temp)
	}
	if err := fetch(a, nil, "abc"); err != nil {
		t.Error(err)
	}
	if err := fetch(b, nil, "abc"); !errors.Is(err, fault.NotAllowed) {
		t.Errorf("the second: %v", err)
	}
	noParts(t, filepath.Dir(path))
}
