package share

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// rewrite writes to a file in place and sets its time back.
func (s *shared) rewrite(name, text string) {
	s.t.Helper()
	p := filepath.Join(s.dir, name)
	i, err := os.Stat(p)
	s.check(err)
	s.write(name, text)
	s.check(os.Chtimes(p, time.Now(), i.ModTime()))
}

// An encrypted container is changed in place and keeps its time.
func TestAContentThatChangesWithItsTimeKeptIsStored(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	s.write("container", "before")
	s.write("other", "stays")
	s.open()
	s.until("both are stored", func(u Update) bool { return u.Folder != nil && u.Folder.Stored == 2 })
	s.stop()
	s.rewrite("container", "after!")
	s.check(os.Chmod(filepath.Join(s.dir, "other"), 0o640)) // a change, but none of the content
	s.open()
	s.until("both are stored", func(u Update) bool { return u.Folder != nil && u.Folder.Stored == 2 })
	s.want("container", "after!", 2)
	s.want("other", "stays", 1)
}
