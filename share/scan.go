package share

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/share/internal/ignore"
	"github.com/p2pchord/p2pchord/share/internal/notify"
)

// scanning is the state of the scans.
type scanning struct {
	running  bool
	at       time.Duration // when the next one begins
	began    time.Duration
	state    string
	first    bool // a scan has ended
	seen     int  // files
	problems []string
	counts   int  // files, of the scan that runs
	again    bool // another one is to follow at once
}

// beginScan starts a scan of the whole folder.
func (f *Folder) beginScan() {
	f.scan.running, f.scan.began, f.scan.counts = true, f.now(), 0
	if !f.scan.first {
		f.scan.state = FolderScanning
		f.messages.scanning(f.now(), 0)
	}
	f.m.scanBegins()
	w := f.work
	w.wg.Go(func() {
		var problems []string
		err := contained("looking at it", func() (err error) {
			problems, err = f.walkAll(w)
			return err
		})
		w.post(func() { f.scanEnded(problems, err) })
	})
}

func (f *Folder) walkAll(w *work) (problems []string, err error) {
	t, err := openTree(f.cfg.Dir)
	if err != nil {
		return nil, err
	}
	defer t.close()
	t.enter = f.notify.Add
	t.each = func(batch []seen) { w.post(func() { f.scanned(batch) }) }
	err = t.walk(w.ctx, "")
	return t.trouble(), err
}

func (f *Folder) scanned(batch []seen) {
	now := f.now()
	for _, s := range batch {
		f.m.found(now, s.path, s.stamp, byScan)
	}
	f.scan.counts += len(batch)
	if !f.scan.first {
		f.scan.seen = f.scan.counts
		f.messages.scanning(now, f.scan.seen)
	}
}

func (f *Folder) scanEnded(problems []string, err error) {
	now := f.now()
	f.scan.running = false
	f.scan.at = now + max(f.cfg.Interval, scanShare*(now-f.scan.began))
	if f.scan.again {
		f.scan.again, f.scan.at = false, now
	}
	f.scan.seen, f.scan.problems = f.scan.counts, problems
	if errors.Is(err, context.Canceled) {
		return
	}
	f.messages.problems(f.problems())
	if err != nil {
		f.unseen(err)
		return
	}
	f.m.scanEnds(now)
	if f.scan.state == FolderMissing {
		f.messages.back()
	}
	f.scan.state = FolderWatching
	if !f.scan.first {
		f.scan.first = true
		c := f.m.counts
		f.messages.scannedAll(f.scan.seen, c[stored])
		f.m.forget(today(), today()-keptDays)
		f.keep(f.rewrite())
	}
}

// unseen notes that the folder can't be read. Nothing else changes, because its disk may only be
// unplugged.
func (f *Folder) unseen(err error) {
	why := fmt.Sprintf("it can't be read: %v", fault.Reason(err))
	if errors.Is(err, fs.ErrNotExist) {
		why = "it isn't there"
	}
	if f.scan.state != FolderMissing {
		f.messages.missing(why)
	}
	f.scan.state, f.scan.problems, f.scan.seen = FolderMissing, []string{why}, 0
	f.m.scanEnds(f.now())
}

// noticed handles the changes that the system reported.
func (f *Folder) noticed() {
	dirty, lost := f.notify.Take()
	for p, c := range dirty {
		if path.Base(p) == ignore.FileName {
			lost = true
			continue
		}
		h := byEvent
		if c == notify.Written {
			h = byWrite
		}
		f.looks[p] = max(f.looks[p], h)
	}
	if lost && !f.scan.running {
		f.scan.at = f.now()
	} else if lost {
		f.scan.again = true // the scan that runs may have passed it
	}
}

// beginLooks starts to look at single paths.
func (f *Folder) beginLooks() {
	if f.looking || len(f.looks) == 0 {
		return
	}
	wanted := f.looks
	f.looking, f.looks = true, map[string]how{}
	w := f.work
	w.wg.Go(func() {
		err := contained("looking at what has changed", func() error {
			f.look(w, wanted)
			return nil
		})
		w.post(func() {
			f.looking = false
			if err != nil {
				f.scan.again = true // a scan finds what was missed
			}
		})
	})
}

func (f *Folder) look(w *work, wanted map[string]how) {
	t, err := openTree(f.cfg.Dir)
	if err == nil {
		defer t.close()
		t.enter = f.notify.Add
		t.each = func(batch []seen) { w.post(func() { f.lookedBelow(batch) }) }
	}
	for p, h := range wanted {
		var (
			s            seen
			file, folder bool
		)
		if err == nil {
			s, file, folder = t.look(p)
		}
		w.post(func() { f.looked(p, s, h, file) })
		if folder && w.ctx.Err() == nil {
			_ = t.walk(w.ctx, p) // what can't be read the next scan finds, and says so
			clear(t.rules)
		}
	}
}

func (f *Folder) looked(p string, s seen, h how, file bool) {
	if file {
		f.m.found(f.now(), p, s.stamp, h)
	} else {
		f.m.missing(f.now(), p)
	}
}

func (f *Folder) lookedBelow(batch []seen) {
	for _, s := range batch {
		f.m.found(f.now(), s.path, s.stamp, byEvent)
	}
}
