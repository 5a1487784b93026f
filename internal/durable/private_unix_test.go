//go:build !windows

package durable_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
)

func TestAFolderThatOthersMayWriteToIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mode, above os.FileMode
		owner       int // 0 is this user
		want        string
	}{
		"private":                 {mode: 0o700, above: 0o755},
		"readable":                {mode: 0o755, above: 0o755},
		"in one like /tmp":        {mode: 0o700, above: 0o777 | os.ModeSticky},
		"open to all":             {mode: 0o777, above: 0o755, want: "chmod go-w"},
		"open to its group":       {mode: 0o770, above: 0o755, want: "chmod go-w"},
		"open to all, but sticky": {mode: 0o777 | os.ModeSticky, above: 0o755, want: "chmod go-w"},
		"in one open to all":      {mode: 0o700, above: 0o777, want: "above the data folder"},
		"another's":               {mode: 0o755, above: 0o755, owner: 12345, want: "belongs to the user 12345"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.owner != 0 && os.Geteuid() != 0 {
				t.Skip("only root can give a folder away")
			}
			above := filepath.Join(t.TempDir(), "above")
			dir := filepath.Join(above, "data")
			check(t, os.MkdirAll(dir, 0o700))
			check(t, os.Chmod(dir, c.mode))
			check(t, os.Chmod(above, c.above))
			if c.owner != 0 {
				check(t, os.Chown(dir, c.owner, c.owner))
			}
			f, err := durable.LockFolder(dir)
			if c.want == "" {
				check(t, err)
				if f.Warning != "" {
					t.Errorf("warned: %s", f.Warning)
				}
				check(t, f.Unlock())
				return
			}
			if fault.CodeOf(err) != fault.NotAllowed || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestLockedTellsOfAProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if durable.Locked(dir) {
		t.Error("an empty folder is locked")
	}
	f, err := durable.LockFolder(dir)
	check(t, err)
	if !durable.Locked(dir) {
		t.Error("it isn't locked")
	}
	check(t, f.Unlock())
	if durable.Locked(dir) {
		t.Error("it is still locked")
	}
}
