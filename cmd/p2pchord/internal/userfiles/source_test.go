package userfiles

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/steady"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func sourceOf(t *testing.T, path string) Source {
	t.Helper()
	all, err := ListSources([]string{path}, Options{})
	if err != nil || len(all.Sources) != 1 {
		t.Fatal(all, err)
	}
	return all.Sources[0]
}

// A reader that has all bytes but the last can't take the file for whole: the
// last comes only when nothing has changed.
func TestAFileThatChangesWhileItIsReadNeverEnds(t *testing.T) {
	t.Parallel()
	const text = "the bytes of the beginning"
	for name, change := range map[string]func(path string) error{
		"grows":    func(p string) error { return os.WriteFile(p, []byte(text+"!"), 0o600) },
		"shrinks":  func(p string) error { return os.Truncate(p, 3) },
		"replaced": func(p string) error { return os.WriteFile(p, []byte(strings.ToUpper(text)), 0o600) },
		"touched":  func(p string) error { return os.Chtimes(p, time.Time{}, time.Now().Add(time.Hour)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "f")
			write(t, path, text)
			past := time.Now().Add(-time.Hour)
			if err := os.Chtimes(path, past, past); err != nil {
				t.Fatal(err)
			}
			in, err := sourceOf(t, path).Open(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			head := make([]byte, 2)
			if _, err := io.ReadFull(in, head); err != nil {
				t.Fatal(err)
			}
			if err := change(path); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(in)
			if !errors.Is(err, steady.ErrChanged) {
				t.Errorf("%q, %v", rest, err)
			}
			if len(head)+len(rest) >= len(text) {
				t.Errorf("all %d bytes came", len(head)+len(rest))
			}
		})
	}
}

func TestAFileThatStaysIsReadWhole(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x", strings.Repeat("long ", 100_000)} {
		path := filepath.Join(t.TempDir(), "f")
		write(t, path, text)
		s := sourceOf(t, path)
		in, err := s.Open(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(in)
		if err != nil || string(got) != text || s.Size != int64(len(text)) {
			t.Errorf("%d bytes of %d, %v", len(got), len(text), err)
		}
		_ = in.Close()
	}
}

func TestAFileThatChangedBeforeItIsOpened(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "one")
	s := sourceOf(t, path)
	write(t, path, "longer")
	if _, err := s.Open(t.Context(), nil); !errors.Is(err, steady.ErrChanged) {
		t.Errorf("%v", err)
	}
}
