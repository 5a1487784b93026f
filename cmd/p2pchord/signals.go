package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// exitInterrupted is the exit code when a second signal ends the process at once.
const exitInterrupted = 130

// signals hands SIGINT and SIGTERM to what they are meant for: SIGINT to the
// latest watch (the command at a prompt, if one runs), SIGTERM to all. A signal
// that nobody is left to take ends the process at once.
type signals struct {
	mu      sync.Mutex
	watches []*signalWatch
	atExit  []func()
}

// hangups has f called for each SIGHUP until the function that it returns is called.
func hangups(f func()) (stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	ended, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-c:
				f()
			case <-ended:
				return
			}
		}
	}()
	return func() {
		signal.Stop(c)
		close(ended)
		<-stopped
	}
}

type signalWatch struct {
	which  int
	cancel context.CancelFunc
	taken  bool
}

const (
	toAll      = iota // both signals
	toKeyboard        // SIGINT alone
)

// catchSignals starts to catch; it does so until the process ends.
func catchSignals() *signals {
	s := &signals{}
	c := make(chan os.Signal, 4)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	go func() {
		for sig := range c {
			s.take(sig)
		}
	}()
	return s
}

// watch returns a context that a signal ends.
func (s *signals) watch(parent context.Context, which int) (context.Context, context.CancelFunc) {
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

// onExit has f called before a second signal ends the process.
func (s *signals) onExit(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.atExit = append(s.atExit, f)
}

func (s *signals) take(sig os.Signal) {
	s.mu.Lock()
	taken := false
	for i := len(s.watches) - 1; i >= 0; i-- {
		w := s.watches[i]
		if w.taken || sig != os.Interrupt && w.which == toKeyboard {
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
