package share

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/p2pchord/p2pchord/node"
)

const (
	// gatherWords is how long files that were stored are gathered before it is said.
	gatherWords = time.Second
	// namedAtOnce is how many of them are named; more are counted.
	namedAtOnce = 5
	// refusedNamed is how many refused files are named; p2pchord watch names all.
	refusedNamed = 50
	// scanningEvery is how often it is said how far the first scan is.
	scanningEvery = 5 * time.Second
)

// words tells a person what happens, and not too much of it.
type words struct {
	dir    string
	say    func(node.Event)
	at     time.Duration // when what was gathered is said; 0: nothing was
	lines  []string
	more   int
	named  int // refused files that were
	no     int // and those that were not, since it was said last
	scanAt time.Duration
	told   map[string]bool
}

func (w *words) event(format string, args ...any) {
	w.say(node.Event{Time: time.Now(), Kind: "share", Text: fmt.Sprintf(format, args...)})
}

func (w *words) stored(now time.Duration, name string, copies int) {
	c := "copies"
	if copies == 1 {
		c = "copy"
	}
	w.gather(now, fmt.Sprintf("shared %s: stored, %d %s", name, copies, c))
}

func (w *words) gather(now time.Duration, line string) {
	if w.at == 0 {
		w.at = now + gatherWords/4
	}
	if len(w.lines) < namedAtOnce {
		w.lines = append(w.lines, line)
		return
	}
	w.more++
}

func (w *words) flush(now time.Duration) {
	if w.at == 0 || now < w.at {
		return
	}
	for _, l := range w.lines {
		w.event("%s", l)
	}
	if w.more > 0 {
		w.event("shared %s other files", humanize.Comma(int64(w.more)))
	}
	w.at, w.more, w.lines = 0, 0, nil
	if w.no > 0 {
		w.event("%s other files can't be stored: p2pchord watch names them", humanize.Comma(int64(w.no)))
		w.no = 0
	}
}

func (w *words) refused(now time.Duration, name string, why failure) {
	again := ""
	if why.retry {
		again = "; it will be tried again"
	}
	if w.named++; w.named <= refusedNamed {
		w.event("can't share %q: %s%s", name, why.reason, again)
		return
	}
	if w.no++; w.at == 0 {
		w.at = now + scanningEvery
	}
}

// trouble says something once.
func (w *words) trouble(text string) {
	if w.told == nil {
		w.told = map[string]bool{}
	}
	if !w.told[text] && len(w.told) < 1000 {
		w.told[text] = true
		w.event("%s: %s", w.dir, text)
	}
}

func (w *words) problems(list []string) {
	for _, p := range list {
		w.trouble(p)
	}
}

func (w *words) scanning(now time.Duration, seen int) {
	if seen == 0 {
		w.scanAt = now + scanningEvery
	} else if now >= w.scanAt {
		w.scanAt = now + scanningEvery
		w.event("%s: %s files looked at so far", w.dir, humanize.Comma(int64(seen)))
	}
}

func (w *words) scannedAll(seen, stored int) {
	w.event("shares %s: %s files, of which %s are stored already", w.dir, humanize.Comma(int64(seen)), humanize.Comma(int64(stored)))
}

func (w *words) missing(why string) {
	w.event("%s: %s; nothing changes in the ring, and it is shared again when it is back", w.dir, why)
}

func (w *words) back() { w.event("%s is back", w.dir) }
