package share

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// fakeRing is a ring that is a map.
type fakeRing struct {
	mu    sync.Mutex
	files map[string][]byte
	puts  map[string]int
	stats int
	fails error
}

func newRing() *fakeRing { return &fakeRing{files: map[string][]byte{}, puts: map[string]int{}} }

func (r *fakeRing) Put(ctx context.Context, name string, in io.Reader, o node.PutOptions) (node.PutResult, error) {
	b, err := io.ReadAll(in)
	if err != nil {
		return node.PutResult{}, err
	}
	o.Progress(node.Progress{Done: int64(len(b)), Total: o.Size})
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fails != nil {
		return node.PutResult{}, r.fails
	}
	r.files[name] = b
	r.puts[name]++
	h := blake3sum.Sum(b)
	return node.PutResult{Name: name, Size: int64(len(b)), Hash: hex.EncodeToString(h[:]), Copies: 3, Wanted: 3, Possible: 3}, nil
}

func (r *fakeRing) Stat(_ context.Context, name string) (node.FileStat, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats++
	b, ok := r.files[name]
	if !ok {
		return node.FileStat{}, fault.New(fault.NotFound, "%q is not in the ring", name)
	}
	h := blake3sum.Sum(b)
	return node.FileStat{FileInfo: node.FileInfo{Name: name, Size: int64(len(b)), Hash: hex.EncodeToString(h[:]), Copies: 3}, Holders: make([]node.Holder, 3)}, nil
}

func (r *fakeRing) content(name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.files[name])
}

func (r *fakeRing) putsOf(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.puts[name]
}

// shared is a shared folder of a test.
type shared struct {
	t    *testing.T
	dir  string
	data string
	ring *fakeRing
	*Folder
	updates chan Update
	stop    context.CancelFunc
	mu      sync.Mutex
	said    []string
}

func newShared(t *testing.T) *shared {
	t.Helper()
	return &shared{t: t, dir: t.TempDir(), data: t.TempDir(), ring: newRing()}
}

// open begins to share; the updates of the watch are in order, and none is left out.
func (s *shared) open() *shared {
	s.t.Helper()
	var err error
	s.Folder, err = Open(Config{
		Dir: s.dir, Data: s.data, Ring: s.ring, Interval: 100 * time.Millisecond, Quiet: 30 * time.Millisecond,
		Events: func(e node.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.said = append(s.said, e.Text)
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.updates = make(chan Update, 100_000)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for u, err := range s.Watch(ctx, true) {
			if err == nil {
				s.updates <- u
			}
		}
	}()
	s.stop = func() {
		cancel()
		<-ended
		if err := s.Close(); err != nil {
			s.t.Error(err)
		}
	}
	s.t.Cleanup(func() { s.stop() })
	return s
}

// until waits for an update.
func (s *shared) until(what string, ok func(Update) bool) Update {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case u := <-s.updates:
			if ok(u) {
				return u
			}
		case <-deadline:
			s.t.Fatalf("never: %s; said %q", what, s.words())
		}
	}
}

func (s *shared) words() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.said...)
}

func (s *shared) awaitState(name, state string) File {
	s.t.Helper()
	u := s.until(name+" is "+state, func(u Update) bool { return u.File != nil && u.File.Name == name && u.File.State == state })
	return *u.File
}

func (s *shared) awaitFolder(state string) {
	s.t.Helper()
	s.until("the folder is "+state, func(u Update) bool { return u.Folder != nil && u.Folder.State == state })
}

func (s *shared) write(name, text string) {
	s.t.Helper()
	p := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shared) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shared) want(name, text string, puts int) {
	s.t.Helper()
	if got := s.ring.content(name); got != text {
		s.t.Errorf("%s: the ring has %q, want %q", name, got, text)
	}
	if got := s.ring.putsOf(name); got != puts {
		s.t.Errorf("%s: %d puts, want %d", name, got, puts)
	}
}

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
	s.check(os.Chmod(filepath.Join(s.dir, "d1/f1"), 0o000)) // it could not even be read
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
	_ = s.notify.w.Close()
	<-s.notify.stopped
	s.write("a/b", "1")
	s.awaitState("a/b", StateStored)
	s.write("a/b", "12")
	s.awaitState("a/b", StateStored)
	s.want("a/b", "12", 2)
}
