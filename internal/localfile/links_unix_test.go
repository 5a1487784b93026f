//go:build !windows

package localfile

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// Whatever is planted in the folder of a get -r, nothing outside of it is written, and no link is
// followed.
func TestPlantedLinks(t *testing.T) {
	t.Parallel()
	for what, plant := range map[string]func(folder, outside string) error{
		"a folder that leads out":     func(f, o string) error { return os.Symlink(o, f+"/dir") },
		"by a relative link":          func(f, _ string) error { return os.Symlink("../outside", f+"/dir") },
		"a folder that leads in":      func(f, _ string) error { return os.Symlink("elsewhere", f+"/dir") },
		"a file that leads out":       func(f, o string) error { return os.Symlink(o+"/file", f+"/dir/file") },
		"a file that leads in":        func(f, _ string) error { return os.Symlink("../elsewhere/file", f+"/dir/file") },
		"a file that leads to a hole": func(f, o string) error { return os.Symlink(o+"/new", f+"/dir/file") },
		"a pipe":                      func(f, _ string) error { return syscall.Mkfifo(f+"/dir/file", 0o666) },
		"a file for a folder":         func(f, _ string) error { return os.WriteFile(f+"/dir", nil, 0o600) },
	} {
		for _, force := range []bool{false, true} {
			t.Run(what, func(t *testing.T) {
				t.Parallel()
				top := t.TempDir()
				folder, outside := filepath.Join(top, "folder"), filepath.Join(top, "outside")
				for _, d := range []string{folder, outside, folder + "/elsewhere", folder + "/dir"} {
					if err := os.Mkdir(d, 0o700); err != nil {
						t.Fatal(err)
					}
				}
				write(t, outside+"/file", "precious")
				write(t, folder+"/elsewhere/file", "precious")
				if err := plant(folder, outside); err != nil {
					if err = os.Remove(folder + "/dir"); err == nil {
						err = plant(folder, outside)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				tree, err := NewSession(Options{Force: force}).OpenTree(folder)
				if err != nil {
					t.Fatal(err)
				}
				defer tree.Close()
				target, err := tree.File(want("dir/file", "evil"))
				if err := fetch(target, err, "evil"); err == nil {
					t.Error("it was fetched")
				}
				target, err = tree.File(want("other/file", "good"))
				if err := fetch(target, err, "good"); err != nil {
					t.Errorf("another: %v", err)
				}
				if a, b := read(t, outside+"/file"), read(t, folder+"/elsewhere/file"); a != "precious" || b != "precious" {
					t.Errorf("outside %q, elsewhere %q", a, b)
				}
				if left, err := os.ReadDir(outside); err != nil || len(left) != 1 {
					t.Errorf("outside: %v, %v", left, err)
				}
			})
		}
	}
}

// The user's own link stays and leads to the new file; another user's isn't followed.
func TestALinkAtTheTarget(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir+"/file", "old")
	if err := os.Symlink("file", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	s := NewSession(Options{Force: true})
	target, err := s.File(dir+"/link", want("x", "new"))
	if err := fetch(target, err, "new"); err != nil || read(t, dir+"/file") != "new" {
		t.Errorf("one's own: %v, %q", err, read(t, dir+"/file"))
	}
	// One that leads nowhere is replaced when that is asked for.
	if err := os.Symlink("nowhere", dir+"/hole"); err != nil {
		t.Fatal(err)
	}
	if target, err := NewSession(Options{}).File(dir+"/hole", want("x", "new")); !errors.Is(fetch(target, err, "new"), fault.NotAllowed) {
		t.Errorf("a link that leads nowhere: %v", err)
	}
	target, err = s.File(dir+"/hole", want("x", "new"))
	if err := fetch(target, err, "new"); err != nil || read(t, dir+"/hole") != "new" {
		t.Errorf("a link that leads nowhere, forced: %v", err)
	}
	if _, err := os.Lstat(dir + "/nowhere"); err == nil {
		t.Error("it was followed")
	}
	// ".." counts from where a folder's link leads to.
	for _, d := range []string{"/deep", "/deep/er"} {
		if err := os.Mkdir(dir+d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink("deep/er", dir+"/short"), os.Symlink("short/../file", dir+"/up")); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/deep/file", "old")
	target, err = s.File(dir+"/up", want("x", "newer"))
	if err := fetch(target, err, "newer"); err != nil || read(t, dir+"/deep/file") != "newer" || read(t, dir+"/file") != "new" {
		t.Errorf("up: %v, %q", err, read(t, dir+"/deep/file"))
	}
	if os.Geteuid() != 0 {
		return // it takes root to make one of another user
	}
	if err := os.Lchown(dir+"/link", 65534, 65534); err != nil {
		t.Fatal(err)
	}
	for _, open := range []func() (*Target, error){
		func() (*Target, error) { return s.File(dir+"/link", want("x", "evil")) },
		func() (*Target, error) { return s.Named(dir, want("x/link", "evil")) },
	} {
		if target, err := open(); !errors.Is(fetch(target, err, "evil"), fault.NotAllowed) {
			t.Errorf("another user's: %v", err)
		}
	}
	if got := read(t, dir+"/file"); got != "new" {
		t.Errorf("%q", got)
	}
}

// A temporary file that another user could write to, or that is another file too, isn't continued.
func TestAPlantedPart(t *testing.T) {
	t.Parallel()
	for what, plant := range map[string]func(part, other string) error{
		"a link":        func(p, o string) error { return os.Symlink(o, p) },
		"a second name": func(p, o string) error { return os.Link(o, p) },
		"a pipe":        func(p, _ string) error { return syscall.Mkfifo(p, 0o666) },
		"a folder":      func(p, _ string) error { return os.Mkdir(p, 0o777) },
		"writable for all": func(p, _ string) error {
			return errors.Join(os.WriteFile(p, nil, 0o600), os.Chmod(p, 0o666))
		},
		"another user's": func(p, _ string) error {
			err := os.WriteFile(p, nil, 0o600)
			if os.Geteuid() == 0 {
				return errors.Join(err, os.Chown(p, 65534, 65534))
			}
			return errors.Join(err, os.Chmod(p, 0o622)) // it takes root to make one
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			first, err := NewSession(Options{}).File(dir+"/f", want("f", "abc"))
			if err != nil {
				t.Fatal(err)
			}
			part := dir + "/" + first.temp
			first.Abandon(false)
			write(t, dir+"/other", "precious")
			if err := plant(part, dir+"/other"); err != nil {
				t.Fatal(err)
			}
			target, err := NewSession(Options{}).File(dir+"/f", want("f", "abc"))
			if err := fetch(target, err, "abc"); err != nil {
				t.Fatal(err)
			}
			st, err := os.Lstat(dir + "/f")
			if err != nil || !st.Mode().IsRegular() || int(st.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() || st.Mode().Perm()&0o022&^umask != 0 && st.Mode().Perm() != 0o666&^umask {
				t.Errorf("%v, %v", st.Mode(), err)
			}
			if planted, err := os.Lstat(part); err != nil || os.SameFile(planted, st) {
				t.Errorf("the planted one became the file: %v", err)
			}
			if got := read(t, dir+"/other"); got != "precious" || read(t, dir+"/f") != "abc" {
				t.Errorf("the other has %q", got)
			}
		})
	}
}

// A temporary file that is exchanged while it is written doesn't become the result.
func TestAPartThatIsExchanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target, err := NewSession(Options{}).File(dir+"/f", want("f", "abc"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir + "/" + target.temp); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/"+target.temp, "evil")
	if err := fetch(target, nil, "abc"); !errors.Is(err, fault.NotAllowed) {
		t.Errorf("%v", err)
	}
	if _, err := os.Lstat(dir + "/f"); err == nil {
		t.Errorf("it has become %q", read(t, dir+"/f"))
	}
}
