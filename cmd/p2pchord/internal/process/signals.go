package process

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// exitInterrupted is the exit code when a second signal ends the process at once.
const exitInterrupted = 130

// Signals hands out SIGINT and SIGTERM: SIGINT to the latest watch (the command at a prompt, if one
// runs), SIGTERM to all. A signal that no watch is left to take ends the process at once.
type Signals struct {
	mu      sync.Mutex
	watches []*signalWatch
	atExit  []func()
}

type signalWatch struct {
	which  Which
	cancel context.CancelFunc
	taken  bool
}

// Which says which signals end a context.
type Which int

// The signals that a context may end with.
const (
	All        Which = iota // SIGINT and SIGTERM
	Interrupts              // SIGINT alone
)

// CatchSignals catches SIGINT and SIGTERM until the process ends.
func CatchSignals() *Signals {
	s := &Signals{}
	c := make(chan os.Signal, 4)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	go func() {
		for sig := range c {
			s.take(sig)
		}
	}()
	return s
}

// Watch returns a context that a signal ends. Its function ends the watch.
func (s *Signals) Watch(parent context.Context, which Which) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	w := &signalWatch{which: which, cancel: cancel}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watches = append(s.watches, w)
	return ctx, func() {
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		for i, x := range s.watches {
			if x == w {
				s.watches = append(s.watches[:i], s.watches[i+1:]...)
				return
			}
		}
	}
}

// OnExit registers f to be called before a second signal ends the process.
func (s *Signals) OnExit(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.atExit = append(s.atExit, f)
}

func (s *Signals) take(sig os.Signal) {
	s.mu.Lock()
	taken := false
	for i := len(s.watches) - 1; i >= 0; i-- {
		w := s.watches[i]
		if w.taken || sig != os.Interrupt && w.which == Interrupts {
			continue
		}
		w.taken, taken = true, true
		w.cancel()
		if sig == os.Interrupt {
			break
		}
	}
	atExit := s.atExit
	s.mu.Unlock()
	if taken {
		return
	}
	for _, f := range atExit {
		f()
	}
	os.Exit(exitInterrupted)
}
