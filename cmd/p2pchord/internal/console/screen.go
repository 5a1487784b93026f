package console

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/internal/safetext"
)

// screen is some lines at the end of a terminal that are rewritten when they change. Other output
// goes above them.
type screen struct {
	lines []string
	shown int // how many are on the terminal
}

// CanRedraw reports whether lines on stdout can be rewritten. kind is the value of TERM.
func (o *Output) CanRedraw(kind string) bool {
	return o.ToTerminal() && kind != "dumb"
}

// Redraw replaces the lines of the screen.
func (o *Output) Redraw(lines []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hideMeter()
	o.hideScreen()
	o.screen.lines = lines
	o.showScreen()
}

// EndScreen leaves the lines as they are.
func (o *Output) EndScreen() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.screen = screen{}
}

func (o *Output) hideScreen() {
	if o.screen.shown > 0 {
		// Only for display.
		_, _ = io.WriteString(o.stdout, fmt.Sprintf("\x1b[%dA\r\x1b[J", o.screen.shown))
		o.screen.shown = 0
	}
}

func (o *Output) showScreen() {
	if len(o.screen.lines) == 0 {
		return
	}
	width, height := o.Size()
	lines := o.screen.lines[:min(len(o.screen.lines), height-1)]
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(textfmt.Cut(safetext.Line(l), width-1) + "\n")
	}
	_, _ = io.WriteString(o.stdout, b.String()) // only for display
	o.screen.shown = len(lines)
}

// Size returns the width and height of the terminal.
func (o *Output) Size() (width, height int) {
	if f, ok := o.stdout.(*os.File); ok {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil && w > 1 && h > 1 {
			return w, h
		}
	}
	return 80, 24
}
