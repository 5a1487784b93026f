package share

import (
	"context"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

const patience = 30 * time.Second

// fakeRing is a ring that is a map.
type fakeRing struct {
	mu      sync.Mutex
	files   map[string][]byte
	puts    map[string]int
	options map[string]node.PutOptions // of the last put
	stats   int
	fails   error
	// Called by Stat and Put before anything else, unless nil.
	onStat, onPut func(name string)
}

func newRing() *fakeRing {
	return &fakeRing{files: map[string][]byte{}, puts: map[string]int{}, options: map[string]node.PutOptions{}}
}

func (r *fakeRing) Put(ctx context.Context, name string, in io.Reader, o node.PutOptions) (node.PutResult, error) {
	if r.onPut != nil {
		r.onPut(name)
	}
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
	r.options[name] = o
	h := blake3sum.Sum(b)
	return node.PutResult{Name: name, Size: int64(len(b)), Hash: hex.EncodeToString(h[:]), Copies: 3, Wanted: 3, Possible: 3}, nil
}

func (r *fakeRing) Stat(_ context.Context, name string) (node.FileStat, error) {
	if r.onStat != nil {
		r.onStat(name)
	}
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
	updates  chan Update
	stop     context.CancelFunc
	mu       sync.Mutex
	reported []string
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
			s.reported = append(s.reported, e.Text)
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
			s.t.Fatalf("never: %s; reported %q", what, s.messages())
		}
	}
}

func (s *shared) messages() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.reported...)
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
