package notify

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
)

const (
	// gatherFor is how long changes are gathered before Wake gets a token.
	gatherFor = 100 * time.Millisecond
	// gatherMost is how many paths are gathered; with more, Take says that changes were lost.
	gatherMost = 10_000
)

// Change is what the system has reported of a path.
type Change uint8

const (
	touched Change = 1 + iota // something has changed
	Written                   // bytes were written
)

// Notifier gathers the changes that the system reports. It is safe for concurrent use.
type Notifier struct {
	dir     string
	w       *fsnotify.Watcher // nil when there is none
	Wake    chan struct{}     // gets a token when changes were gathered
	stopped chan struct{}

	mu       sync.Mutex
	dirty    map[string]Change
	lost     bool // some changes were not reported
	timer    *time.Timer
	watched  map[string]bool
	problems map[string]bool
}

// New starts to gather the changes in dir. Folders are watched once they are added.
func New(dir string) *Notifier {
	n := &Notifier{
		dir: dir, Wake: make(chan struct{}, 1), stopped: make(chan struct{}),
		dirty: map[string]Change{}, watched: map[string]bool{}, problems: map[string]bool{},
	}
	w, err := fsnotify.NewBufferedWatcher(4096)
	if err != nil {
		n.problem(err)
		close(n.stopped)
		return n
	}
	n.w = w
	go func() {
		defer close(n.stopped)
		// The next scan finds what it missed.
		for contain.Run("the shared folder", func() error { n.run(); return nil }) != nil {
			time.Sleep(gatherFor)
		}
	}()
	return n
}

// Close ends the watches.
func (n *Notifier) Close() {
	if n.w != nil {
		_ = n.w.Close() // there is nothing to save
	}
	<-n.stopped
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.timer != nil {
		n.timer.Stop()
	}
}

func (n *Notifier) run() {
	for {
		select {
		case e, ok := <-n.w.Events:
			if !ok {
				return
			}
			n.event(e)
		case _, ok := <-n.w.Errors: // an overflow, or a failure that may hide a change
			if !ok {
				return
			}
			n.mu.Lock()
			n.lost = true
			n.gather()
			n.mu.Unlock()
		}
	}
}

func (n *Notifier) event(e fsnotify.Event) {
	rel, err := filepath.Rel(n.dir, e.Name)
	if err != nil || rel == "." {
		return
	}
	p := filepath.ToSlash(rel)
	n.mu.Lock()
	defer n.mu.Unlock()
	if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
		n.forget(p)
	}
	c := touched
	if e.Has(fsnotify.Write) {
		c = Written
	}
	if len(n.dirty) >= gatherMost {
		n.lost = true
	} else {
		n.dirty[p] = max(n.dirty[p], c)
	}
	n.gather()
}

// gather makes Wake get a token gatherFor later.
func (n *Notifier) gather() {
	if n.timer == nil {
		n.timer = time.AfterFunc(gatherFor, func() {
			select {
			case n.Wake <- struct{}{}:
			default:
			}
		})
	}
}

// Take returns the paths that have changed. With lost, others may have changed too.
func (n *Notifier) Take() (dirty map[string]Change, lost bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	dirty, lost = n.dirty, n.lost
	n.dirty, n.lost, n.timer = map[string]Change{}, false, nil
	return dirty, lost
}

// Add watches a folder, given relative to the Notifier's. After its disk was unplugged, a folder
// has to be added again.
func (n *Notifier) Add(folder string) {
	if n.w == nil {
		return
	}
	err := n.w.Add(filepath.Join(n.dir, filepath.FromSlash(folder)))
	if err != nil && errors.Is(err, os.ErrNotExist) {
		return // it was removed meanwhile
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err == nil {
		n.watched[folder] = true
		return
	}
	n.problemLocked(err)
}

// forget ends the watches of a folder that was removed or renamed, which would report changes under
// its old name.
func (n *Notifier) forget(folder string) {
	if !n.watched[folder] {
		return
	}
	for p := range n.watched {
		if p == folder || strings.HasPrefix(p, folder+"/") {
			delete(n.watched, p)
			// The system may have done so already.
			_ = n.w.Remove(filepath.Join(n.dir, filepath.FromSlash(p)))
		}
	}
}

func (n *Notifier) problem(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.problemLocked(err)
}

func (n *Notifier) problemLocked(err error) {
	var text string
	switch {
	case errors.Is(err, syscall.ENOSPC):
		text = limitReached("folders", "fs.inotify.max_user_watches", 1<<20)
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		text = limitReached("programs", "fs.inotify.max_user_instances", 1<<10)
	default:
		text = fmt.Sprintf("the system doesn't report all changes (%v): scans at intervals find them", fault.Reason(err))
	}
	n.problems[text] = true
}

// limitReached names a limit of the kernel, and says how to raise it.
func limitReached(what, sysctl string, enough int) string {
	now := ""
	if b, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(sysctl, ".", "/")); err == nil {
		now = ", " + strings.TrimSpace(string(b)) + ","
	}
	return fmt.Sprintf("the system watches no more %s: its limit %s%s is reached, and scans at intervals find the changes; to raise it: sysctl -w %s=%d", what, sysctl, now, sysctl, enough)
}

// Problems lists why the system may not report all changes.
func (n *Notifier) Problems() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make([]string, 0, len(n.problems))
	for p := range n.problems {
		out = append(out, p)
	}
	return out
}
