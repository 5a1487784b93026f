package share

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/p2pchord/p2pchord/node"
)

const (
	// gatherMessages is how long stored files are gathered before they are reported.
	gatherMessages = time.Second
	// namedAtOnce is how many of them are named; the others are counted.
	namedAtOnce = 5
	// refusedNamed is how many refused files are named; p2pchord watch names all.
	refusedNamed = 50
	// scanningEvery is how often the progress of the first scan is reported.
	scanningEvery = 5 * time.Second
)

// messages reports to people what happens, with a limit on how much.
type messages struct {
	dir      string
	emit     func(node.Event)
	at       time.Duration // when the gathered lines are reported; 0: there are none
	lines    []string
	more     int
	named    int // refused files that were named
	unnamed  int // refused files that weren't, since the last report
	scanAt   time.Duration
	reported map[string]bool
}

func (m *messages) event(format string, args ...any) {
	m.emit(node.Event{Time: time.Now(), Kind: "share", Text: fmt.Sprintf(format, args...)})
}

func (m *messages) stored(now time.Duration, name string, copies int) {
	c := "copies"
	if copies == 1 {
		c = "copy"
	}
	m.gather(now, fmt.Sprintf("shared %s: stored, %d %s", name, copies, c))
}

func (m *messages) gather(now time.Duration, line string) {
	if m.at == 0 {
		m.at = now + gatherMessages/4
	}
	if len(m.lines) < namedAtOnce {
		m.lines = append(m.lines, line)
		return
	}
	m.more++
}

func (m *messages) flush(now time.Duration) {
	if m.at == 0 || now < m.at {
		return
	}
	for _, l := range m.lines {
		m.event("%s", l)
	}
	if m.more > 0 {
		m.event("shared %s other files", humanize.Comma(int64(m.more)))
	}
	m.at, m.more, m.lines = 0, 0, nil
	if m.unnamed > 0 {
		m.event("%s other files can't be stored: p2pchord watch names them", humanize.Comma(int64(m.unnamed)))
		m.unnamed = 0
	}
}

func (m *messages) refused(now time.Duration, name string, why failure) {
	again := ""
	if why.retry {
		again = "; it will be tried again"
	}
	if m.named++; m.named <= refusedNamed {
		m.event("can't share %q: %s%s", name, why.reason, again)
		return
	}
	if m.unnamed++; m.at == 0 {
		m.at = now + scanningEvery
	}
}

// trouble reports a problem, once.
func (m *messages) trouble(text string) {
	if m.reported == nil {
		m.reported = map[string]bool{}
	}
	if !m.reported[text] && len(m.reported) < 1000 {
		m.reported[text] = true
		m.event("%s: %s", m.dir, text)
	}
}

func (m *messages) problems(list []string) {
	for _, p := range list {
		m.trouble(p)
	}
}

func (m *messages) scanning(now time.Duration, seen int) {
	if seen == 0 {
		m.scanAt = now + scanningEvery
	} else if now >= m.scanAt {
		m.scanAt = now + scanningEvery
		m.event("%s: %s files looked at so far", m.dir, humanize.Comma(int64(seen)))
	}
}

func (m *messages) scannedAll(seen, stored int) {
	m.event("shares %s: %s files, of which %s are stored already", m.dir, humanize.Comma(int64(seen)), humanize.Comma(int64(stored)))
}

func (m *messages) missing(why string) {
	m.event("%s: %s; nothing changes in the ring, and it is shared again when it is back", m.dir, why)
}

func (m *messages) back() { m.event("%s is back", m.dir) }
