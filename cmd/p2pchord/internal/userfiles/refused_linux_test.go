package userfiles

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/nobody"
)

// The files of a folder that can be stored are listed, and all others are reported at once.
func TestWhatOfAFolderCantBeStored(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "tree")
	deep := strings.Repeat("d/", 510) + "toodeep"
	for _, name := range []string{"a", "z/b", "lost+found/c", "closed/in/d", "bad\xff1", "bad\xff2", deep} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, path, name)
	}
	for _, name := range []string{"lost+found", "closed/in"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o300); err != nil {
			t.Fatal(err)
		}
	}
	for up := filepath.Dir(dir); strings.Contains(up, "TestWhat"); up = filepath.Dir(up) {
		if err := os.Chmod(up, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	nobody.Do(t, func() {
		list, err := ListSources([]string{dir}, Options{Recursive: true, Messages: console.New(io.Discard, io.Discard)})
		if err != nil {
			t.Error(err)
			return
		}
		var names []string
		for _, s := range list.Sources {
			names = append(names, s.Name)
		}
		if got := strings.Join(names, " "); got != "tree/a tree/z/b" {
			t.Errorf("to be stored: %s", got)
		}
		reported := ""
		for _, err := range list.Refused {
			reported += err.Error() + "\n"
		}
		for _, want := range []string{"lost+found: permission denied", "closed/in: permission denied", "bad\xff1: the file name", "bad\xff2: the file name", "toodeep: the file name"} {
			if strings.Count(reported, want) != 1 {
				t.Errorf("%q is missing in:\n%s", want, reported)
			}
		}
		if len(list.Refused) != 5 {
			t.Errorf("refused: %d", len(list.Refused))
		}
	})
}

// Every bad name among the arguments is reported, and nothing is stored.
func TestAllBadNamesAreReported(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var args []string
	for _, name := range []string{"good", "bad\xff1", "bad\xff2"} {
		args = append(args, filepath.Join(dir, name))
		write(t, args[len(args)-1], name)
	}
	list, err := ListSources(args, Options{})
	if len(list.Sources) > 0 || fault.CodeOf(err) != fault.Usage {
		t.Errorf("%v, %v", list, err)
	}
	if strings.Count(err.Error(), "can't put") != 2 {
		t.Errorf("not all are named: %v", err)
	}
}
