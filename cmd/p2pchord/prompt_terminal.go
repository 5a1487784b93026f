package main

import (
	"context"
	"errors"
	"io"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/process"
)

// lookForeground is how often a prompt in the background looks whether it has come to the
// foreground: nothing tells it when its shell's fg hands the terminal over.
const lookForeground = 500 * time.Millisecond

// read edits one line and leaves the terminal raw. It calls raw when it is. In the background it
// waits: a terminal that belongs to another job is left as it is.
func (p *prompt) read(ctx context.Context, raw func()) (string, error) {
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
			_, _ = io.WriteString(p.app.out.RawStdout(), "\r\n") // for the eye only
		}
		return text, err
	}
}

// awaitForeground waits until the terminal is this process's. One that goes while it is another
// job's is not missed.
func (p *prompt) awaitForeground(ctx context.Context) error {
	waited := false
	for {
		mine, err := process.Foreground(p.in)
		switch {
		case mine:
			return nil
		case err != nil && !waited:
			return io.EOF // it has gone, and with it who typed
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

func (p *prompt) inBackground() bool {
	mine, err := process.Foreground(p.in)
	return err == nil && !mine
}

// makeRaw makes the terminal raw, and keeps what it was before.
func (p *prompt) makeRaw() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	saved, err := term.MakeRaw(int(p.in.Fd()))
	if err != nil {
		return err
	}
	p.saved = saved
	if w, h, err := term.GetSize(int(p.in.Fd())); err == nil && w > 0 {
		_ = p.line.SetSize(w, h) // a wrong width only looks bad
	}
	return nil
}

// release forgets that the terminal is raw: it is another job's by now.
func (p *prompt) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.saved = nil
}

// close makes the terminal what it was before.
func (p *prompt) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.saved != nil && !p.inBackground() {
		_ = term.Restore(int(p.in.Fd()), p.saved)
	}
	p.saved = nil
}

// resume makes the terminal raw again when the process goes on after it was stopped in the middle
// of a line, for the shell has changed it meanwhile.
func (p *prompt) resume() {
	p.mu.Lock()
	editing := p.saved != nil && !p.inBackground()
	if editing {
		_, _ = term.MakeRaw(int(p.in.Fd())) // without it the line only looks bad
	}
	p.mu.Unlock()
	if editing {
		p.redraw()
	}
}

// followStops calls resume each time the process goes on, until the function that it returns is called.
func (p *prompt) followStops() (stop func()) {
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
