package console

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/internal/delivery"
	"github.com/p2pchord/p2pchord/internal/duration"
	"github.com/p2pchord/p2pchord/internal/safetext"
	"github.com/p2pchord/p2pchord/node"
)

const (
	drawEvery   = 100 * time.Millisecond
	eraseLine   = "\r\x1b[K"
	rateAtLeast = 500 * time.Millisecond // before that a rate means nothing
)

// meter is the progress line of a verb, for one file or for many.
type meter struct {
	title string
	total int64 // bytes, -1 when unknown
	files int   // how many; 1 shows no count
	begun time.Time

	mu       sync.Mutex       // never held while something is written
	done     map[string]int64 // bytes of the files under way
	finished int64            // bytes of the files that are done
	count    int              // files that are done
	copies   int
	path     string
	waits    string // what one of them waits for
	drawn    time.Time
	visible  bool
	drawer   *delivery.Queue[struct{}] // draws it, so transfers never wait for the terminal
}

// StartProgress starts to show the progress of this many files with total bytes; -1 means unknown.
func (o *Output) StartProgress(title string, total int64, files int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.show {
		o.hideMeter()
		o.endDrawing()
		o.meter = &meter{title: title, total: total, files: files, begun: time.Now(), done: map[string]int64{}}
		o.meter.drawer = delivery.New("drawing the progress", 1, func(struct{}) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.draw()
		}, func(uint64) struct{} { return struct{}{} })
		o.moving.Store(o.meter)
		o.draw()
	}
}

// ProgressOf returns the function to call with the progress of one file; nil when none is shown.
func (o *Output) ProgressOf(name string) func(node.Progress) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.meter == nil {
		return nil
	}
	return func(p node.Progress) {
		m := o.moving.Load()
		if m == nil {
			return
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.done[name], m.copies, m.waits = p.Done, p.Copies, p.Waits
		if p.Path != "" {
			m.path = p.Path
		}
		m.drawer.Put(struct{}{})
	}
}

// FinishFile counts one file as done.
func (o *Output) FinishFile(name string, size int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if m := o.meter; m != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.done, name)
		m.finished += size
		m.waits = ""
		m.count++
	}
}

// EndProgress removes the progress line.
func (o *Output) EndProgress() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hideMeter()
	o.endDrawing()
	o.meter = nil
	o.moving.Store(nil)
}

// endDrawing ends the drawer of a meter.
func (o *Output) endDrawing() {
	if o.meter != nil {
		o.meter.drawer.Close(0)
	}
}

func (o *Output) hideMeter() {
	if m := o.meter; m != nil && m.visible {
		m.visible = false
		_, _ = io.WriteString(o.stderr, eraseLine)
	}
}

func (o *Output) draw() {
	m, now := o.meter, time.Now()
	if m == nil || now.Sub(m.drawn) < drawEvery {
		return
	}
	m.drawn, m.visible = now, true
	width := 80
	if f, ok := o.stderr.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			width = w
		}
	}
	_, _ = io.WriteString(o.stderr, eraseLine+textfmt.Cut(safetext.Line(m.line(now)), width-1))
}

// line returns the current text.
func (m *meter) line(now time.Time) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text(now)
}

// text returns the line: title, progress, rate, time left, and path.
func (m *meter) text(now time.Time) string {
	done := m.finished
	for _, n := range m.done {
		done += n
	}
	var b strings.Builder
	b.WriteString(m.title)
	if m.files > 1 {
		fmt.Fprintf(&b, "  %d of %d files", m.count, m.files)
	}
	if m.total > 0 {
		fmt.Fprintf(&b, "  %3d%%  %s of %s", min(100, done*100/m.total), textfmt.Size(done), textfmt.Size(m.total))
	} else if done > 0 {
		fmt.Fprintf(&b, "  %s", textfmt.Size(done))
	}
	if m.waits != "" {
		return b.String() + "  waiting: " + m.waits
	}
	if spent := now.Sub(m.begun); spent > rateAtLeast && done > 0 {
		rate := float64(done) / spent.Seconds()
		fmt.Fprintf(&b, "  %s/s", textfmt.Size(int64(rate)))
		if m.total > done {
			left := time.Duration(float64(m.total-done) / rate * float64(time.Second))
			fmt.Fprintf(&b, "  %s left", duration.String(left.Round(time.Second)))
		}
	}
	if m.path != "" {
		b.WriteString("  " + m.path)
	}
	if m.copies > 0 && m.files == 1 {
		fmt.Fprintf(&b, "  %s", textfmt.Count(m.copies, "copy", "copies"))
	}
	return b.String()
}
