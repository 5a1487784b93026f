//go:build !windows

package localfile

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func modeOf(t *testing.T, path string) fs.FileMode {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return st.Mode().Perm()
}

// What is replaced keeps who may read it, and its owner where the user may give files away.
func TestWhatIsReplacedKeepsItsMode(t *testing.T) {
	t.Parallel()
	for _, mode := range []fs.FileMode{0o600, 0o640, 0o644, 0o400, 0o777, 0o666, 0o000} {
		path := filepath.Join(t.TempDir(), "f")
		write(t, path, "old")
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		uid := os.Geteuid()
		if uid == 0 {
			uid = 65534
			if err := os.Chown(path, uid, 65534); err != nil {
				t.Fatal(err)
			}
		}
		w := want("f", "longer text")
		w.Mode = 0o755
		target, err := NewSession(Options{Force: true}).File(path, w)
		if err := fetch(target, err, "longer text"); err != nil {
			t.Fatal(err)
		}
		st, err := os.Stat(path)
		if err != nil || st.Mode().Perm() != mode || int(st.Sys().(*syscall.Stat_t).Uid) != uid {
			t.Errorf("%o became %o of user %d, want %d; %v", mode, st.Mode().Perm(), st.Sys().(*syscall.Stat_t).Uid, uid, err)
		}
	}
}

// A new file has the mode of the record, as far as the umask lets it, and its time.
func TestModeAndTimeOfTheRecord(t *testing.T) {
	t.Parallel()
	for mode, wanted := range map[fs.FileMode]fs.FileMode{
		0: 0o666, 0o600: 0o600, 0o755: 0o755, 0o777: 0o777, 0o444: 0o444, 0o077: 0o477, 0o4755 | fs.ModeSetuid: 0o755,
	} {
		for _, at := range []time.Time{time.Date(1969, 7, 20, 20, 17, 40, 123456789, time.UTC), time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)} {
			path := filepath.Join(t.TempDir(), "f")
			w := want("f", "abc")
			w.Mode, w.Modified = mode, at
			target, err := NewSession(Options{}).File(path, w)
			if err != nil {
				t.Fatal(err)
			}
			if got := modeOf(t, filepath.Join(filepath.Dir(path), target.temp)); got != 0o600 {
				t.Errorf("until it is whole it is %o", got)
			}
			if err := fetch(target, nil, "abc"); err != nil {
				t.Fatal(err)
			}
			st, err := os.Stat(path)
			if err != nil || st.Mode().Perm() != wanted&^umask || st.Mode()&fs.ModeSetuid != 0 {
				t.Errorf("%o: %v, want %o; %v", mode, st.Mode(), wanted&^umask, err)
			}
			if !st.ModTime().Equal(at) {
				t.Errorf("its time is %v, want %v", st.ModTime(), at)
			}
		}
	}
}
