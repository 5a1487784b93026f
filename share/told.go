package share

import (
	"strings"
	"time"
)

func (f *Folder) tell(file *file) { f.feed.file(f.stateOf(file)) }

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

// tellStatus tells the folder's state when it has changed, and not too often.
func (f *Folder) tellStatus(now time.Duration) {
	if now < f.tellAt {
		return
	}
	f.tellAt = 0
	t := told{f.m.counts, f.scan.state, f.scan.seen, strings.Join(f.scan.problems, "\n")}
	if t != f.told {
		f.told, f.tellAt = t, now+tellEvery
		f.feed.status(f.status())
	}
}
