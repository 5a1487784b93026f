package share

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/share/internal/notify"
)

// Config says what is shared, and how.
type Config struct {
	// Dir is the folder. It must exist, unless it was shared before.
	Dir string
	// Data is the node's data folder, which keeps what is stored. Neither folder may be in the
	// other.
	Data string
	// Ring is where the files go.
	Ring Ring
	// Interval is the time between two scans of the whole folder, besides the changes that the
	// system reports. Default 5 s; at least ten times as long as a scan takes.
	Interval time.Duration
	// Quiet is how long a file must keep its size and time before it is stored. Default 1 s.
	Quiet time.Duration
	// Copies is the number of copies wanted of each file. If the ring was too small for them, the
	// folder asks later whether the file has more. Default 0: it doesn't ask.
	Copies int
	// Events, if not nil, is called with what a person may want to know. It must not block.
	Events func(node.Event)
}

const (
	// DefaultInterval is the default of Config.Interval.
	DefaultInterval = 5 * time.Second
	// DefaultQuiet is the default of Config.Quiet. Together with the gathering of changes, an
	// upload begins less than 1.5 s after a file is complete.
	DefaultQuiet = time.Second
	// flushEvery is how often what was stored is written to the memory file.
	flushEvery = time.Second
	// reportEvery is the shortest time between two reports of the folder's state, or of an upload's
	// progress.
	reportEvery = 200 * time.Millisecond
	// keptDays is for how many days a file is remembered that isn't in the folder.
	keptDays = 90
	// scanShare: the pause after a scan is at least this many times as long as the scan.
	scanShare = 10
)

// errClosed ends the watches of a folder that is no longer shared.
var errClosed = fault.New(fault.Unreachable, "the shared folder is no longer watched: the node ends")

// Folder is a folder that is shared.
type Folder struct {
	cfg    Config
	ctx    context.Context //nolint:containedctx // a Folder is a task that lives until Close
	cancel context.CancelFunc
	wg     sync.WaitGroup
	asks   chan func() // calls for the loop
	ended  chan struct{}
	feed   feed
	once   sync.Once
	err    error
	forget atomic.Bool

	// The fields below belong to the loop.

	fresh    bool // the loop has not run yet
	work     *work
	m        *machine
	mem      *memory
	notify   *notify.Notifier
	begun    time.Time
	uploads  map[*file]*upload
	looks    map[string]how // to be done after those under way
	looking  bool
	scan     scanning
	messages messages
	shown    shownStatus // the status that was reported last
	statusAt time.Duration
	flushAt  time.Duration
}

// shownStatus is what a status says, to notice changes.
type shownStatus struct {
	counts   [phases]int
	state    string
	seen     int
	problems string
}

type upload struct {
	cancel     context.CancelFunc
	done       atomic.Int64
	reportedAt atomic.Int64
}

// Open starts to share a folder. Close ends that.
func Open(cfg Config) (*Folder, error) {
	var err error
	if cfg.Dir, err = filepath.Abs(cfg.Dir); err != nil {
		return nil, fault.New(fault.Usage, "can't share %s: %w", cfg.Dir, err)
	}
	if err := apart(cfg.Dir, cfg.Data); err != nil {
		return nil, err
	}
	if cfg.Interval <= 0 {
		cfg.Interval = DefaultInterval
	}
	if cfg.Quiet <= 0 {
		cfg.Quiet = DefaultQuiet
	}
	if cfg.Events == nil {
		cfg.Events = func(node.Event) {}
	}
	f := &Folder{
		cfg: cfg, asks: make(chan func()), ended: make(chan struct{}), m: newMachine(cfg.Quiet),
		fresh: true, begun: time.Now(), uploads: map[*file]*upload{}, looks: map[string]how{},
	}
	f.m.shorts.wanted = cfg.Copies
	var had bool
	if f.mem, had, err = openMemory(cfg.Data, cfg.Dir, f.m.remember); err != nil {
		return nil, err
	}
	if err := there(cfg.Dir); err != nil && !had {
		return nil, errors.Join(err, f.mem.close(), Forget(cfg.Data))
	}
	f.scan.state = FolderScanning
	f.messages = messages{dir: cfg.Dir, emit: cfg.Events}
	f.notify = notify.New(cfg.Dir)
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.work = newWork(f.ctx)
	f.wg.Go(f.run)
	return f, nil
}

// Left makes Close forget what is stored, because the node has left its ring for good.
func (f *Folder) Left() { f.forget.Store(true) }

// Close ends the sharing and cancels puts under way. It may be called more than once.
func (f *Folder) Close() error {
	f.once.Do(func() {
		f.cancel()
		f.notify.Close()
		f.wg.Wait()
		f.err = f.mem.close()
		if f.forget.Load() {
			f.err = errors.Join(f.err, Forget(f.cfg.Data))
		}
	})
	return f.err
}

// ask runs fn in the loop and waits for it. It returns false if fn did not run.
func (f *Folder) ask(ctx context.Context, fn func()) bool {
	done := make(chan struct{})
	select {
	case f.asks <- func() { defer close(done); fn() }:
	case <-ctx.Done():
		return false
	case <-f.ended:
		return false
	}
	<-done
	return true
}

// loop owns the machine.
func (f *Folder) loop() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-f.ctx.Done():
			return
		case fn := <-f.asks:
			fn()
		case fn := <-f.work.calls:
			fn()
		case <-f.notify.Wake:
			f.noticed()
		case <-timer.C:
		}
		f.step()
		timer.Reset(max(f.wait()-f.now(), time.Millisecond))
	}
}

// wait is when the loop has something to do without being called.
func (f *Folder) wait() time.Duration {
	next := f.now() + time.Minute
	if t, ok := f.m.next(); ok {
		next = min(next, t)
	}
	if !f.scan.running {
		next = min(next, f.scan.at)
	}
	for _, t := range []time.Duration{f.flushAt, f.statusAt, f.messages.at} {
		if t > 0 {
			next = min(next, t)
		}
	}
	return next
}

// step does what is due.
func (f *Folder) step() {
	now := f.now()
	f.m.tick(now)
	for {
		actions := f.m.take()
		if len(actions) == 0 {
			break
		}
		for _, a := range actions {
			f.act(a)
		}
	}
	if !f.scan.running && now >= f.scan.at {
		f.beginScan()
	}
	f.beginLooks()
	if f.flushAt > 0 && now >= f.flushAt {
		f.flushAt = 0
		f.keep(f.mem.flush())
	}
	f.messages.flush(now)
	f.reportStatus(now)
}

// act carries out what the machine wants.
func (f *Folder) act(a action) {
	switch a.verb {
	case doLook:
		f.looks[a.file.path] = max(f.looks[a.file.path], byLook)
	case doPut:
		f.put(a.file, a.stamp)
	case doStop:
		if u := f.uploads[a.file]; u != nil {
			u.cancel()
		}
	case doCheck:
		f.check(a.file.path)
	case doRemember:
		a.file.known.day = today()
		f.mem.remember(a.file.path, a.file.known)
		f.flushSoon()
		if f.mem.old(len(f.m.files)) {
			f.keep(f.rewrite())
		}
	case doReport:
		f.report(a.file)
	}
}

// put starts a put. When it ends, putEnded runs in the loop.
func (f *Folder) put(file *file, s stamp) {
	w := f.work
	ctx, cancel := context.WithCancel(w.ctx)
	u := &upload{cancel: cancel}
	f.uploads[file] = u
	var before *known
	if file.isKnown {
		k := file.known
		before = &k
	}
	path := file.path
	w.wg.Go(func() {
		defer cancel()
		var k known
		err := contained("storing it", func() (err error) {
			k, err = store(ctx, f.cfg.Dir, path, s, before, f.cfg.Ring, func(done int64) { f.progress(w, file, u, done) })
			return err
		})
		w.post(func() { f.putEnded(file, u, k, err) })
	})
}

func (f *Folder) putEnded(file *file, u *upload, k known, err error) {
	delete(f.uploads, file)
	now := f.now()
	switch {
	case err == nil:
		f.m.putStored(now, file.path, k)
		if u.done.Load() > 0 || file.put.size == 0 {
			f.messages.stored(now, file.path, k.copies)
		}
	case errors.Is(err, fs.ErrNotExist):
		file.gone = true
		f.m.putChanged(now, file.path)
	case changed(err), file.again, file.gone:
		f.m.putChanged(now, file.path)
	default:
		why := failureOf(err)
		if file.attempts == 0 {
			f.messages.refused(now, file.path, why)
		}
		f.m.putFailed(now, file.path, why)
	}
}

// progress is called during a put.
func (f *Folder) progress(w *work, file *file, u *upload, done int64) {
	u.done.Store(done)
	now := int64(f.now())
	if last := u.reportedAt.Load(); now-last < int64(reportEvery) || !u.reportedAt.CompareAndSwap(last, now) {
		return
	}
	w.post(func() {
		if f.uploads[file] == u {
			f.report(file)
		}
	})
}

// check asks the ring how many copies a file has.
func (f *Folder) check(path string) {
	w := f.work
	w.wg.Go(func() {
		copies := -1
		err := contained("asking for its copies", func() (err error) {
			copies, err = f.copies(w.ctx, path)
			return err
		})
		if err != nil {
			copies = -1
		}
		w.post(func() { f.m.checked(f.now(), path, copies) })
	})
}

// copies is how many complete copies the ring has of a file.
func (f *Folder) copies(ctx context.Context, path string) (n int, err error) {
	st, err := f.cfg.Ring.Stat(ctx, path)
	for _, h := range st.Holders {
		if h.Complete {
			n++
		}
	}
	return n, err
}

func (f *Folder) flushSoon() {
	if f.flushAt == 0 {
		f.flushAt = f.now() + flushEvery
	}
}

func (f *Folder) rewrite() error {
	return f.mem.rewrite(func(yield func(string, known)) {
		for _, file := range f.m.files {
			if file.isKnown {
				yield(file.path, file.known)
			}
		}
	})
}

// keep reports that the memory file can't be written. Files are stored all the same.
func (f *Folder) keep(err error) {
	if err != nil {
		f.messages.trouble(fmt.Sprintf("can't keep in %s what is stored (%v): the next start reads all files again", f.cfg.Data, fault.Reason(err)))
	}
}

// today is the number of days since 1970.
func today() uint16 { return uint16(time.Now().Unix() / (24 * 60 * 60)) } //nolint:gosec // until the year 2149
