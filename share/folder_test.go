package share

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/p2pchord/p2pchord/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDroppedFilesAreStored(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	s.write("before.txt", "was there")
	s.open()
	f := s.awaitState("before.txt", StateStored)
	if f.Copies != 3 || f.Size != 9 || len(f.Hash) != 64 {
		t.Errorf("%+v", f)
	}
	s.awaitFolder(FolderWatching)
	s.write("a/b/c.txt", "deep")
	s.awaitState("a/b/c.txt", StateStored)
	s.write("a/b/second.txt", "in a folder that is watched")
	s.awaitState("a/b/second.txt", StateStored)
	s.write("empty", "")
	s.awaitState("empty", StateStored)
	s.want("before.txt", "was there", 1)
	s.want("a/b/c.txt", "deep", 1)
	s.want("empty", "", 1)

	s.write("before.txt", "overwritten")
	s.awaitState("before.txt", StateStored)
	s.want("before.txt", "overwritten", 2)

	// A new file in its place, as editors do.
	s.write(".new", "by rename")
	s.check(os.Rename(filepath.Join(s.dir, ".new"), filepath.Join(s.dir, "before.txt")))
	s.awaitState("before.txt", StateStored)
	s.want("before.txt", "by rename", 3)

	// The same bytes again are no new version.
	s.write("before.txt", "by rename")
	s.awaitState("before.txt", StateWaiting)
	s.awaitState("before.txt", StateStored)
	s.want("before.txt", "by rename", 3)
}

func TestAFolderThatIsMovedIsWatchedUnderItsNewName(t *testing.T) {
	t.Parallel()
	s := newShared(t).open()
	s.write("old/sub/a", "a")
	s.awaitState("old/sub/a", StateStored)
	s.check(os.Rename(filepath.Join(s.dir, "old"), filepath.Join(s.dir, "new")))
	s.awaitState("new/sub/a", StateStored)
	s.write("new/sub/b", "b")
	s.awaitState("new/sub/b", StateStored)
	s.write("old/sub/c", "c")
	s.awaitState("old/sub/c", StateStored)
	s.want("old/sub/a", "a", 1)
	s.want("new/sub/a", "a", 1)
}

func TestWhatVanishesStaysInTheRing(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	s.write("a", "1")
	s.write("sub/b", "2")
	s.open()
	s.awaitState("a", StateStored)
	s.check(os.Remove(filepath.Join(s.dir, "a")))
	s.awaitState("a", StateGone)
	s.check(os.RemoveAll(filepath.Join(s.dir, "sub")))
	s.awaitState("sub/b", StateGone)
	s.want("a", "1", 1)
	s.want("sub/b", "2", 1)
}

// An unplugged disk is a folder that isn't there, or an empty one in its place.
func TestAnUnpluggedFolderChangesNothing(t *testing.T) {
	t.Parallel()
	for _, empty := range []bool{false, true} {
		t.Run(fmt.Sprintf("empty %v", empty), func(t *testing.T) {
			t.Parallel()
			s := newShared(t)
			s.dir = filepath.Join(s.dir, "disk")
			s.write("a", "1")
			s.write("sub/b", "2")
			s.open()
			s.awaitState("a", StateStored)
			s.until("all are stored", func(u Update) bool { return u.Folder != nil && u.Folder.Stored == 2 })
			s.check(os.Rename(s.dir, s.dir+"2"))
			if empty {
				s.check(os.Mkdir(s.dir, 0o700))
				s.until("none is there", func(u Update) bool { return u.Folder != nil && u.Folder.Stored == 0 })
				s.check(os.Remove(s.dir))
			} else {
				s.awaitFolder(FolderMissing)
			}
			s.check(os.Rename(s.dir+"2", s.dir))
			s.until("all are back", func(u Update) bool { return u.Folder != nil && u.Folder.Stored == 2 })
			s.write("sub/c", "3") // the folders are watched again
			s.awaitState("sub/c", StateStored)
			s.want("a", "1", 1)
			s.want("sub/b", "2", 1)
			if s.ring.stats != 3 {
				t.Errorf("the ring was asked %d times, want once for each new file", s.ring.stats)
			}
		})
	}
}

func TestAStartCostsNothing(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	for i := range 50 {
		s.write(fmt.Sprintf("d%d/f%d", i%5, i), strings.Repeat("x", i))
	}
	s.open()
	s.until("all are stored", func(u Update) bool { return u.Folder != nil && u.Folder.Stored == 50 })
	s.stop()
	s.ring.fails = fault.New(fault.Failed, "nothing may be put")
	asked := s.ring.stats
	s.open()
	s.until("all are stored", func(u Update) bool { return u.Folder != nil && u.Folder.Stored == 50 })
	if s.ring.stats != asked {
		t.Errorf("the ring was asked %d times", s.ring.stats-asked)
	}
}

// Without the memory every file is read and compared with the ring: no version is new.
func TestALostMemoryMakesNoNewVersions(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	s.write("a", "1")
	s.open()
	s.awaitState("a", StateStored)
	s.stop()
	s.check(os.Remove(filepath.Join(s.data, memoryName)))
	s.open()
	s.awaitState("a", StateStored)
	s.want("a", "1", 1)
}

func TestWhatIsSkipped(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	outside := filepath.Join(t.TempDir(), "secret")
	s.check(os.WriteFile(outside, []byte("secret"), 0o600))
	for _, name := range []string{".hidden", ".git/config", "film.part", "film2.crdownload", "text~", "ignored.log", "build/x", "deep/ignored.log"} {
		s.write(name, "no")
	}
	s.write(".p2pignore", "*.log\n/build/\n!kept.log\n")
	s.write("kept.log", "yes")
	s.write("busy.iso", "")
	s.write("busy.iso.part", "half")
	if runtime.GOOS != "windows" {
		s.check(os.Symlink(outside, filepath.Join(s.dir, "link-out")))
		s.check(os.Symlink(filepath.Dir(outside), filepath.Join(s.dir, "folder-out")))
		s.check(os.Symlink("kept.log", filepath.Join(s.dir, "link-in")))
		makePipe(t, filepath.Join(s.dir, "pipe"))
		makeSocket(t, filepath.Join(s.dir, "socket"))
	}
	s.open()
	s.awaitState("kept.log", StateStored)
	s.write("last", "")
	s.awaitState("last", StateStored)
	want := "kept.log last"
	if runtime.GOOS != "windows" {
		s.until("the link within is stored", func(u Update) bool { return u.Folder != nil && u.Folder.Stored == 3 })
		want = "kept.log last link-in"
		s.want("link-in", "yes", 1)
	}
	s.ring.mu.Lock()
	var got []string
	for name := range s.ring.files {
		got = append(got, name)
	}
	s.ring.mu.Unlock()
	if !sameWords(got, strings.Fields(want)) {
		t.Errorf("stored %q, want %q", got, want)
	}

	// The download ends: its parts are renamed, and the file is stored.
	s.check(os.Rename(filepath.Join(s.dir, "busy.iso.part"), filepath.Join(s.dir, "busy.iso")))
	s.awaitState("busy.iso", StateStored)
	s.want("busy.iso", "half", 1)
	// The rules change.
	s.write(".p2pignore", "")
	s.awaitState("build/x", StateStored)
}

func sameWords(a, b []string) bool {
	m := map[string]int{}
	for _, x := range a {
		m[x]++
	}
	for _, x := range b {
		m[x]--
	}
	for _, n := range m {
		if n != 0 {
			return false
		}
	}
	return true
}

func TestARefusedFileSaysWhy(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the system has no such names")
	}
	s := newShared(t)
	s.write("a\nb", "the ring takes no such name")
	s.ring.fails = fault.New(fault.NoSpace, "the ring is full")
	s.write("c", "3")
	s.open()
	f := s.awaitState("a\nb", StateRefused)
	if f.Code != "usage" || f.Reason == "" || f.Retry {
		t.Errorf("%+v", f)
	}
	s.stop()
	s.open()
	if f := s.awaitState("c", StateRefused); f.Code != "no_space" || f.Reason != "the ring is full" || !f.Retry {
		t.Errorf("%+v", f)
	}
	s.ring.mu.Lock()
	s.ring.fails = nil
	s.ring.mu.Unlock()
	s.awaitState("c", StateStored)
}

// A file that grows is stored when it is whole, and once.
func TestAGrowingFileWaits(t *testing.T) {
	t.Parallel()
	s := newShared(t).open()
	f, err := os.Create(filepath.Join(s.dir, "grows"))
	s.check(err)
	defer f.Close()
	var all bytes.Buffer
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for i := range 40 {
		<-tick.C
		text := fmt.Sprintln("line", i)
		all.WriteString(text)
		_, err := f.WriteString(text)
		s.check(err)
	}
	for s.awaitState("grows", StateStored).Size != int64(all.Len()) {
		continue // the machine that runs the test was slow
	}
	if got := s.ring.content("grows"); got != all.String() {
		t.Errorf("%d bytes are stored of %d", len(got), all.Len())
	}
}

func TestWhatIsNoFolderToShare(t *testing.T) {
	t.Parallel()
	data, dir := t.TempDir(), t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{filepath.Join(dir, "none"), file, data, filepath.Dir(data), filepath.Join(data, "in it")} {
		f, err := Open(Config{Dir: bad, Data: data, Ring: newRing()})
		if err == nil {
			_ = f.Close()
		}
		if fault.CodeOf(err) != fault.Usage || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := os.Stat(filepath.Join(data, memoryName)); err == nil {
		t.Error("a folder that was never shared is remembered")
	}
}

// A folder that was shared before may be missing at the start: its disk comes later.
func TestAKnownFolderMayComeLater(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	s.dir = filepath.Join(s.dir, "disk")
	s.write("a", "1")
	s.open()
	s.awaitState("a", StateStored)
	s.stop()
	s.check(os.Rename(s.dir, s.dir+"2"))
	s.open()
	s.awaitFolder(FolderMissing)
	s.check(os.Rename(s.dir+"2", s.dir))
	s.awaitState("a", StateStored)
	s.want("a", "1", 1)
}

func TestAfterLeavingNothingIsRemembered(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	s.write("a", "1")
	s.open()
	s.awaitState("a", StateStored)
	s.Left()
	s.stop()
	s.ring = newRing() // another one
	s.open()
	s.awaitState("a", StateStored)
	s.want("a", "1", 1)
}

// Without the system's help the scans find all.
func TestScansAlone(t *testing.T) {
	t.Parallel()
	s := newShared(t).open()
	s.notify.Close()
	s.write("a/b", "1")
	s.awaitState("a/b", StateStored)
	s.write("a/b", "12")
	s.awaitState("a/b", StateStored)
	s.want("a/b", "12", 2)
}

func TestDataFoldersOfPeersAreNotShared(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	s.write("a/b/format", "p2pchord 1\n")
	s.write("a/b/store/x", "a block")
	s.write("a/c", "mine")
	s.open()
	s.awaitState("a/c", StateStored)
	s.until("the data folder is named", func(u Update) bool {
		return u.Folder != nil && strings.Contains(strings.Join(u.Folder.Problems, "; "), "a/b is the data folder of a peer")
	})
	s.write("a/b/store/y", "another")
	s.write("d", "mine too")
	s.awaitState("d", StateStored)
	for _, name := range []string{"a/b/format", "a/b/store/x", "a/b/store/y"} {
		s.want(name, "", 0)
	}
	if err := Check(filepath.Join(s.dir, "a", "b", "store"), t.TempDir()); fault.CodeOf(err) != fault.Usage {
		t.Errorf("a data folder can be shared: %v", err)
	}
}
