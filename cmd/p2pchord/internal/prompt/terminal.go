package prompt

import (
	"context"
	"errors"
	"io"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/process"
)

// lookForeground is how often a prompt in the background checks whether it is in the foreground.
// Nothing notifies a process when its shell's fg hands over the terminal.
const lookForeground = 500 * time.Millisecond

// read edits one line and leaves the terminal raw. It calls raw when the terminal has become so. In
// the background it waits, because the terminal belongs to another job.
func (p *Prompt) read(ctx context.Context, raw func()) (string, error) {
	for again := false; ; again = true {
		if err := p.awaitForeground(ctx); err != nil {
			return "", err
		}
		if err := p.makeRaw(); err != nil {
			return "", err
		}
		raw()
		if again {
			p.redraw()
		}
		text, err := p.line.ReadLine()
		if errors.Is(err, syscall.EIO) && p.inBackground() {
			p.release()
			continue
		}
		if err != nil {
			_, _ = io.WriteString(p.Out.RawStdout(), "\r\n") // only for display
		}
		return text, err
	}
}

// awaitForeground waits until this process may use the terminal. If the terminal disappears while
// another job uses it, it waits for the end of ctx.
func (p *Prompt) awaitForeground(ctx context.Context) error {
	waited := false
	for {
		mine, err := process.Foreground(p.In)
		switch {
		case mine:
			return nil
		case err != nil && !waited:
			return io.EOF // the terminal is gone
		case err != nil:
			<-ctx.Done()
			return ctx.Err()
		}
		waited = true
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookForeground):
		}
	}
}

func (p *Prompt) inBackground() bool {
	mine, err := process.Foreground(p.In)
	return err == nil && !mine
}

// makeRaw makes the terminal raw, and saves its state.
func (p *Prompt) makeRaw() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	saved, err := term.MakeRaw(int(p.In.Fd()))
	if err != nil {
		return err
	}
	p.saved = saved
	if w, h, err := term.GetSize(int(p.In.Fd())); err == nil && w > 0 {
		_ = p.line.SetSize(w, h) // a wrong width only looks bad
	}
	return nil
}

// release forgets the saved state, because the terminal belongs to another job by now.
func (p *Prompt) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.saved = nil
}

// Close restores the terminal.
func (p *Prompt) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.saved != nil && !p.inBackground() {
		_ = term.Restore(int(p.In.Fd()), p.saved)
	}
	p.saved = nil
}

// resume makes the terminal raw again when the process continues after it was stopped in the middle
// of a line, because the shell has changed it meanwhile.
func (p *Prompt) resume() {
	p.mu.Lock()
	editing := p.saved != nil && !p.inBackground()
	if editing {
		_, _ = term.MakeRaw(int(p.In.Fd())) // without it the line only looks bad
	}
	p.mu.Unlock()
	if editing {
		p.redraw()
	}
}

// followStops calls resume each time the process continues, until stop is called.
func (p *Prompt) followStops() (stop func()) {
	continued, ignore := process.OnContinue()
	ended, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-continued:
				p.resume()
			case <-ended:
				return
			}
		}
	}()
	return func() {
		ignore()
		close(ended)
		<-stopped
	}
}
