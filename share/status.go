package share

import (
	"strings"
	"time"
)

func (f *Folder) report(file *file) { f.feed.file(f.stateOf(file)) }

func (f *Folder) stateOf(file *file) File {
	s := file.state()
	s.Time = time.Now()
	if u := f.uploads[file]; u != nil {
		s.Done = u.done.Load()
	}
	return s
}

// present lists the files in the folder.
func (f *Folder) present() []File {
	var out []File
	for _, file := range f.m.files {
		if file.phase != absent {
			out = append(out, f.stateOf(file))
		}
	}
	return out
}

func (f *Folder) status() Status {
	c := f.m.counts
	return Status{
		Time: time.Now(), Folder: f.cfg.Dir, State: f.scan.state, Scanned: f.scan.seen, Waiting: c[waiting] + c[ready],
		Uploading: c[uploading], Stored: c[stored], Refused: c[refused], Problems: f.problems(),
	}
}

func (f *Folder) problems() []string {
	return append(f.notify.Problems(), f.scan.problems...)
}

// reportStatus reports the folder's state when it has changed, at most every reportEvery.
func (f *Folder) reportStatus(now time.Duration) {
	if now < f.statusAt {
		return
	}
	f.statusAt = 0
	t := shownStatus{f.m.counts, f.scan.state, f.scan.seen, strings.Join(f.scan.problems, "\n")}
	if t != f.shown {
		f.shown, f.statusAt = t, now+reportEvery
		f.feed.status(f.status())
	}
}
