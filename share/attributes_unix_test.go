//go:build !windows

package share

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A shared file's mode and time are stored with it, as put does.
func TestModeAndTimeAreStored(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	s.write("script", "#!/bin/sh")
	p := filepath.Join(s.dir, "script")
	at := time.Date(1969, 7, 20, 20, 17, 40, 123_456_789, time.UTC)
	s.check(os.Chmod(p, 0o750))
	s.check(os.Chtimes(p, at, at))
	s.open()
	s.awaitState("script", StateStored)
	s.ring.mu.Lock()
	defer s.ring.mu.Unlock()
	if o := s.ring.options["script"]; o.Mode != 0o750 || !o.Modified.Equal(at) {
		t.Errorf("mode %v, time %v", o.Mode, o.Modified)
	}
}
