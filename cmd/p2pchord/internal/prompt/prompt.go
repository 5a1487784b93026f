package prompt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/term"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/process"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/safetext"
)

// Prompt reads commands from a terminal and has them carried out on a peer.
type Prompt struct {
	Config
	line    *term.Terminal
	running atomic.Bool // a command is being carried out

	mu    sync.Mutex
	saved *term.State // the state to restore; nil unless the terminal is raw
}

// Config is what a prompt works with.
type Config struct {
	In      *os.File // a terminal
	Out     *console.Output
	Peer    gateway.Peer
	Signals *process.Signals
	History string // the file of earlier lines; "" for none
	// Execute carries out a command and shows its error. It reports whether the node has departed,
	// and then returns the error that Run returns.
	Execute func(ctx context.Context, words []string) (departed bool, err error)
}

// New returns a prompt that Run starts. Close restores the terminal.
func New(c Config) *Prompt {
	label := c.Peer.RingAddress()
	if label == "" {
		label = textfmt.ShortID(c.Peer.PeerID())
	}
	pr := &Prompt{Config: c}
	pr.line = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{&keys{r: c.In}, c.Out.RawStdout()}, fmt.Sprintf("[%s]> ", safetext.Line(label)))
	pr.line.History = openHistory(c.History)
	pr.line.AutoCompleteCallback = pr.complete
	c.Signals.OnExit(pr.Close)
	return pr
}

// Run carries out commands until the input ends, the node departs, or the user types exit.
func (p *Prompt) Run(ctx context.Context) error {
	done := func() {}
	defer func() { done() }()
	defer p.Close()
	defer p.followStops()()
	for {
		text, err := p.read(ctx, done)
		// While Ctrl-C is a signal and not a key of the editor, a watch other than the node's takes
		// it.
		var command context.Context
		command, done = p.Signals.Watch(ctx, process.Interrupts)
		p.Close()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		words, err := SplitWords(text)
		if err != nil {
			p.Out.Warn("%v", err)
			continue
		}
		if len(words) == 0 {
			continue
		}
		if words[0] == "exit" {
			return nil
		}
		p.running.Store(true)
		departed, err := p.Execute(command, words)
		p.running.Store(false)
		if departed {
			return err
		}
	}
}

// Message shows a line above the line that is being edited.
func (p *Prompt) Message(text string) {
	p.mu.Lock()
	editing := p.saved != nil && !p.inBackground()
	p.mu.Unlock()
	if editing {
		p.print(text)
		return
	}
	p.Out.SayNow(text)
}

// redraw shows the line that is being edited again.
func (p *Prompt) redraw() { _, _ = p.line.Write(nil) } // only for display

// print shows a line above the line that is being edited.
func (p *Prompt) print(text string) {
	_, _ = p.line.Write([]byte(safetext.Line(text) + "\n")) // only for display
}

// keys makes Ctrl-C drop the line instead of ending the input.
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

// Busy reports whether a command is being carried out.
func (p *Prompt) Busy() bool { return p.running.Load() }
