//go:build !windows

package notify

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/fsnotify/fsnotify"
)

// If the system can't watch a folder, the setting to raise is named, once.
func TestALimitOfTheSystemIsNamed(t *testing.T) {
	t.Parallel()
	n := New(t.TempDir())
	defer n.Close()
	for _, c := range []struct {
		err  error
		want string
	}{
		{syscall.ENOSPC, "sysctl -w fs.inotify.max_user_watches="},
		{fmt.Errorf("add: %w", syscall.EMFILE), "sysctl -w fs.inotify.max_user_instances="},
		{syscall.EACCES, "permission denied"},
	} {
		before := len(n.Problems())
		n.problem(c.err)
		n.problem(c.err)
		if got := n.Problems(); len(got) != before+1 || !strings.Contains(strings.Join(got, "\n"), c.want) {
			t.Errorf("%v: %q", c.err, got)
		}
	}
}

// More changes than are gathered mean that all has to be looked at.
func TestTooManyChangesAreAllLookedAt(t *testing.T) {
	t.Parallel()
	n := New(t.TempDir())
	defer n.Close()
	n.mu.Lock()
	for i := range gatherMost {
		n.dirty[fmt.Sprint(i)] = touched
	}
	n.mu.Unlock()
	n.event(fsnotify.Event{Name: n.dir + "/one more", Op: fsnotify.Create})
	if dirty, lost := n.Take(); !lost || len(dirty) != gatherMost {
		t.Errorf("%d changes, lost %v", len(dirty), lost)
	}
	if dirty, lost := n.Take(); lost || len(dirty) != 0 {
		t.Errorf("taken twice: %d, %v", len(dirty), lost)
	}
}
