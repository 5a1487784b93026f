package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/term"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/process"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/safetext"
)

// prompt reads commands from a terminal and carries them out on a peer. The
// terminal is raw only while a line is edited: while a command runs, Ctrl-C is
// SIGINT and ends the command.
type prompt struct {
	app  *app
	peer gateway.Peer
	in   *os.File
	line *term.Terminal
	// running tells that a command is being carried out.
	running atomic.Bool

	mu    sync.Mutex
	saved *term.State // of the terminal while it is raw, else nil
}

func newPrompt(a *app, in *os.File, p gateway.Peer, historyFile string) *prompt {
	label := p.RingAddress()
	if label == "" {
		label = textfmt.ShortID(p.PeerID())
	}
	pr := &prompt{app: a, peer: p, in: in}
	pr.line = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{&keys{r: in}, a.out.RawStdout()}, fmt.Sprintf("[%s]> ", safetext.Line(label)))
	pr.line.History = openHistory(historyFile)
	pr.line.AutoCompleteCallback = pr.complete
	a.signals.OnExit(pr.close)
	return pr
}

// run carries out commands until the input ends, the node departs, or exit.
func (p *prompt) run(ctx context.Context) error {
	done := func() {}
	defer func() { done() }()
	defer p.close()
	defer p.followStops()()
	for {
		text, err := p.read(ctx, done)
		// Whenever Ctrl-C is a signal, and not a key of the editor, somebody watches for it who is not the node.
		var command context.Context
		command, done = p.app.signals.Watch(ctx, process.Interrupts)
		p.close()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		words, err := splitWords(text)
		if err != nil {
			p.app.out.Warn("%v", err)
			continue
		}
		if len(words) == 0 {
			continue
		}
		if words[0] == "exit" {
			return nil
		}
		p.running.Store(true)
		code, departed := p.app.carryOut(command, p.peer, words)
		p.running.Store(false)
		if departed && code == "" {
			return nil
		}
		if departed {
			return errReported{code}
		}
	}
}

// message shows a line; the one that is being edited moves down whole.
func (p *prompt) message(text string) {
	p.mu.Lock()
	editing := p.saved != nil && !p.inBackground()
	p.mu.Unlock()
	if editing {
		p.print(text)
		return
	}
	p.app.out.SayNow(text)
}

// redraw shows the line that is edited once more.
func (p *prompt) redraw() { _, _ = p.line.Write(nil) } // for the eye only

// print shows a line above the one that is being edited.
func (p *prompt) print(text string) {
	_, _ = p.line.Write([]byte(safetext.Line(text) + "\n")) // for the eye only
}

// keys makes Ctrl-C at the prompt drop the line instead of ending the input.
type keys struct {
	r       io.Reader
	pending []byte
}

const (
	ctrlC     = 3
	endOfLine = 5  // Ctrl-E
	dropLine  = 21 // Ctrl-U
)

func (k *keys) Read(p []byte) (int, error) {
	if len(k.pending) == 0 {
		buf := make([]byte, max(len(p)/2, 1))
		n, err := k.r.Read(buf)
		if err != nil {
			return 0, err
		}
		for _, b := range buf[:n] {
			if b == ctrlC {
				k.pending = append(k.pending, endOfLine, dropLine)
				continue
			}
			k.pending = append(k.pending, b)
		}
	}
	n := copy(p, k.pending)
	k.pending = k.pending[n:]
	return n, nil
}

// escapeWord writes a word so that splitWords reads it as one.
func escapeWord(w string) string {
	if w == "" {
		return "''"
	}
	var b strings.Builder
	for _, r := range w {
		if strings.ContainsRune(" \t'\"\\", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
