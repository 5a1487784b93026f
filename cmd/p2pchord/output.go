package main

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

// output is the one place that writes. Its contract:
//
//   - stdout carries results only: with --json one object a line, else text;
//   - everything else goes to stderr: messages unless --quiet, progress only on a
//     terminal or when asked for, errors always, and those as {"error":...} with --json;
//   - a line is written whole: a progress line is taken away before and comes back after;
//   - what is for people goes through package safetext, so that nothing from other peers controls
//     the terminal. TestOnlyOutputWrites finds what goes another way.
//
// What a command wants shown is its own; what it is shown on is shared by the commands of a prompt and its node.
type output struct {
	*display
	json  bool
	quiet bool
	show  bool // progress is wanted

	queued *queues // of a command that runs on, else nil
}

// display is what is written on. It is safe for concurrent use.
type display struct {
	stdout io.Writer
	stderr io.Writer

	mu     sync.Mutex
	meter  *meter // nil while nothing is shown
	screen screen // what stands below all lines, and changes

	moving atomic.Pointer[meter] // the same, for what moves bytes, which never waits for mu
	lostMu sync.Mutex
	lost   error // the first result that could not be written, and why
}

func newOutput(stdout, stderr io.Writer) *output {
	return &output{display: &display{stdout: stdout, stderr: stderr}}
}

// another is for another command on the same display.
func (o *output) another() *output { return &output{display: o.display} }

// setProgress decides whether progress is shown: "on", "off", or "auto".
func (o *output) setProgress(how string) {
	o.show = !o.quiet && (how == "on" || how == "auto" && isTerminal(o.stderr))
}

// isTerminal tells whether w is a terminal.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// line writes a result as one line of text.
func (o *output) line(format string, args ...any) {
	o.write(o.stdout, safetext.Line(fmt.Sprintf(format, args...))+"\n")
}

// page writes a result as text of several lines.
func (o *output) page(p *textfmt.Page) { o.write(o.stdout, safetext.Text(p.Text())+"\n") }

// object writes a result as JSON.
func (o *output) object(v any) { o.write(o.stdout, toJSON(v)) }

// say writes a message.
func (o *output) say(format string, args ...any) {
	if !o.quiet {
		o.write(o.stderr, gateway.OneLine(fmt.Sprintf(format, args...))+"\n")
	}
}

// warn writes what a user must know although it is no error.
func (o *output) warn(format string, args ...any) {
	o.write(o.stderr, "p2pchord: "+gateway.OneLine(fmt.Sprintf(format, args...))+"\n")
}

// failure writes an error.
func (o *output) failure(err error) {
	p := gateway.ProblemOf(err)
	if o.json {
		o.write(o.stderr, toJSON(map[string]gateway.Problem{"error": p}))
		return
	}
	o.write(o.stderr, "p2pchord: "+p.Message+"\n")
}

// log writes lines of the log. Those in plain text are made safe to show.
func (o *output) log(to logOutput, line string, plain bool) {
	if plain {
		line = safetext.Text(line)
	}
	if to.stdout {
		o.write(o.stdout, line)
	}
	if to.stderr {
		o.write(o.stderr, line)
	}
}

func (o *output) write(w io.Writer, s string) {
	switch {
	case o.queued == nil:
		o.writeNow(w, s)
	case w == o.stdout:
		o.queued.stdout.Put(s)
	default:
		o.queued.stderr.Put(s)
	}
}

func (o *output) writeNow(w io.Writer, s string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hideMeter()
	o.hideScreen()
	defer o.showScreen()
	// A message that nobody can read is lost; a result must not be.
	if _, err := io.WriteString(w, s); w == o.stdout {
		o.noteLost(err)
	}
}

// noteLost notes why a result could not be written, unless its reader has gone.
func (o *output) noteLost(err error) {
	o.lostMu.Lock()
	defer o.lostMu.Unlock()
	if err != nil && o.lost == nil && !errors.Is(err, syscall.EPIPE) {
		o.lost = err
	}
}

// takeLost returns why a result could not be written, once.
func (o *output) takeLost() error {
	o.lostMu.Lock()
	defer o.lostMu.Unlock()
	err := o.lost
	o.lost = nil
	if err == nil {
		return nil
	}
	return localWrite("stdout", err)
}

// results and messages are where cobra writes its help and its errors.
func (o *output) results() io.Writer {
	return writerFunc(func(s string) { o.write(o.stdout, safetext.Text(s)) })
}

func (o *output) messages() io.Writer {
	return writerFunc(func(s string) { o.write(o.stderr, safetext.Text(s)) })
}

type writerFunc func(string)

func (f writerFunc) Write(p []byte) (int, error) {
	f(string(p))
	return len(p), nil
}

// toJSON returns v as one line. Every v here is a plain value that can be encoded. What a terminal
// would obey is escaped; to a reader of JSON that is the same.
func toJSON(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return safetext.JSON(b.String())
}

// logOutput is where go-log was to write before its lines went through the output.
type logOutput struct{ stdout, stderr bool }
