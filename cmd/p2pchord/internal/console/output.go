package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/term"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/safetext"
)

// Output writes everything that a command prints. Its contract:
//
//   - stdout carries results only: with JSON one object a line, otherwise text;
//   - everything else goes to stderr: messages unless Quiet, progress only on a terminal or when
//     asked for, and errors always, with JSON as {"error":...};
//   - a line is written whole: a progress line is removed before it and drawn again after it;
//   - text for people goes through package safetext, so nothing from other peers controls the
//     terminal. TestOnlyOutputWrites finds what goes another way.
//
// A prompt's commands and its node have an Output each, on one display.
type Output struct {
	*display
	JSON  bool
	Quiet bool
	show  bool // progress is wanted

	queued *queues // nil unless the command keeps running
}

// display is the two streams. It is safe for concurrent use.
type display struct {
	stdout io.Writer
	stderr io.Writer

	mu     sync.Mutex
	meter  *meter // nil while nothing is shown
	screen screen // the lines below all others, which change

	moving atomic.Pointer[meter] // meter, for transfers, which never wait for mu
	lostMu sync.Mutex
	lost   error // why the first result could not be written
}

// New returns an Output that writes results to stdout and everything else to stderr.
func New(stdout, stderr io.Writer) *Output {
	return &Output{display: &display{stdout: stdout, stderr: stderr}}
}

// ForCommand returns an Output for another command on the same display.
func (o *Output) ForCommand() *Output { return &Output{display: o.display} }

// SetProgress decides whether progress is shown: "on", "off", or "auto".
func (o *Output) SetProgress(how string) {
	o.show = !o.Quiet && (how == "on" || how == "auto" && IsTerminal(o.stderr))
}

// RawStdout returns stdout itself, for the bytes of a file and for the line editor of a prompt.
func (o *Output) RawStdout() io.Writer { return o.stdout }

// ToTerminal reports whether stdout is a terminal.
func (o *Output) ToTerminal() bool { return IsTerminal(o.stdout) }

// SayNow writes a message without the queues.
func (o *Output) SayNow(text string) { o.writeNow(o.stderr, safetext.Line(text)+"\n") }

// IsTerminal reports whether w is a terminal.
func IsTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Line writes a result as one line of text.
func (o *Output) Line(format string, args ...any) {
	o.write(o.stdout, safetext.Line(fmt.Sprintf(format, args...))+"\n")
}

// Page writes a result as text of several lines.
func (o *Output) Page(p *textfmt.Page) { o.write(o.stdout, safetext.Text(p.Text())+"\n") }

// Object writes a result as JSON.
func (o *Output) Object(v any) { o.write(o.stdout, JSON(v)) }

// Say writes a message, unless Quiet.
func (o *Output) Say(format string, args ...any) {
	if !o.Quiet {
		o.write(o.stderr, gateway.OneLine(fmt.Sprintf(format, args...))+"\n")
	}
}

// Warn writes what a user must know although it is not an error. Quiet doesn't suppress it.
func (o *Output) Warn(format string, args ...any) {
	o.write(o.stderr, "p2pchord: "+gateway.OneLine(fmt.Sprintf(format, args...))+"\n")
}

// Failure writes an error.
func (o *Output) Failure(err error) {
	p := gateway.ProblemOf(err)
	if o.JSON {
		o.write(o.stderr, JSON(map[string]gateway.Problem{"error": p}))
		return
	}
	o.write(o.stderr, "p2pchord: "+p.Message+"\n")
}

// Log writes lines of the log. Plain text is made safe to show.
func (o *Output) Log(to LogTargets, line string, plain bool) {
	if plain {
		line = safetext.Text(line)
	}
	if to.Stdout {
		o.write(o.stdout, line)
	}
	if to.Stderr {
		o.write(o.stderr, line)
	}
}

func (o *Output) write(w io.Writer, s string) {
	switch {
	case o.queued == nil:
		o.writeNow(w, s)
	case w == o.stdout:
		o.queued.stdout.Put(s)
	default:
		o.queued.stderr.Put(s)
	}
}

func (o *Output) writeNow(w io.Writer, s string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hideMeter()
	o.hideScreen()
	defer o.showScreen()
	// A lost message doesn't matter; a lost result does.
	if _, err := io.WriteString(w, s); w == o.stdout {
		o.noteLost(err)
	}
}

// noteLost notes why a result could not be written, unless its reader is gone.
func (o *Output) noteLost(err error) {
	o.lostMu.Lock()
	defer o.lostMu.Unlock()
	if err != nil && o.lost == nil && !errors.Is(err, syscall.EPIPE) {
		o.lost = err
	}
}

// TakeLost returns, once, why a result could not be written.
func (o *Output) TakeLost() error {
	o.lostMu.Lock()
	defer o.lostMu.Unlock()
	err := o.lost
	o.lost = nil
	return err
}

// Results is where cobra writes its help.
func (o *Output) Results() io.Writer {
	return writerFunc(func(s string) { o.write(o.stdout, safetext.Text(s)) })
}

// Messages is where cobra writes its errors.
func (o *Output) Messages() io.Writer {
	return writerFunc(func(s string) { o.write(o.stderr, safetext.Text(s)) })
}

type writerFunc func(string)

func (f writerFunc) Write(p []byte) (int, error) {
	f(string(p))
	return len(p), nil
}

// JSON returns v as one line. v must be a plain value that can be encoded. Control characters are
// escaped, which means the same to a JSON parser.
func JSON(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return safetext.JSON(b.String())
}

// LogTargets is where go-log would write its lines by itself.
type LogTargets struct{ Stdout, Stderr bool }
