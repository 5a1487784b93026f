package env

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/internal/contain"
)

// System is the environment of production: goroutines and the system's clock.
type System struct {
	ctx context.Context

	mu      sync.Mutex
	running int       // processes
	idle    sync.Cond // running is 0
}

// NewSystem returns an environment whose processes get ctx.
func NewSystem(ctx context.Context) *System {
	s := &System{ctx: ctx}
	s.idle.L = &s.mu
	return s
}

// AwaitProcesses waits until no process runs. Whoever ends the context calls it. Unlike with a
// sync.WaitGroup, a process may be started meanwhile.
func (s *System) AwaitProcesses() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.running > 0 {
		s.idle.Wait()
	}
}

// count adds n to the number of processes that run.
func (s *System) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running += n; s.running == 0 {
		s.idle.Broadcast()
	}
}

// Now implements [Env].
func (s *System) Now() time.Time { return time.Now() }

// Go implements [Env].
func (s *System) Go(what string, f func(context.Context), failed func()) {
	s.count(1)
	go func() {
		defer s.count(-1)
		err := contain.Run(what, func() error { f(s.ctx); return nil })
		if err != nil && failed != nil {
			failed()
		}
	}()
}

// NewSignal implements [Env].
func (s *System) NewSignal() Signal { return &systemSignal{fired: make(chan struct{})} }

// Wait implements [Env].
func (s *System) Wait(ctx context.Context, d time.Duration, signals ...Signal) error {
	for _, sig := range signals {
		if sig.Fired() {
			return nil
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if d == 0 {
		return ErrElapsed
	}
	var elapsed <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		elapsed = timer.C
	}
	fired := make([]<-chan struct{}, 2)
	for i, sig := range signals[:min(len(signals), 2)] {
		fired[i] = sig.(*systemSignal).fired //nolint:forcetypeassert // NewSignal makes no others
	}
	if len(signals) > 2 {
		stop := make(chan struct{})
		defer close(stop)
		fired[1] = anyOf(stop, signals[1:])
	}
	select {
	case <-fired[0]:
		return nil
	case <-fired[1]:
		return nil
	case <-elapsed:
		return ErrElapsed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// anyOf returns a channel that is closed when one of the signals has fired. Its goroutines end with
// stop.
func anyOf(stop <-chan struct{}, signals []Signal) <-chan struct{} {
	out := make(chan struct{})
	var once sync.Once
	for _, sig := range signals {
		fired := sig.(*systemSignal).fired //nolint:forcetypeassert // NewSignal makes no others
		go func() {
			select {
			case <-fired:
				once.Do(func() { close(out) })
			case <-stop:
			}
		}()
	}
	return out
}

// AfterFunc implements [Env].
func (s *System) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }

// WithCancel implements [Env].
func (s *System) WithCancel(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}

// WithTimeout implements [Env].
func (s *System) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}

// WithoutCancel implements [Env].
func (s *System) WithoutCancel(ctx context.Context) context.Context {
	return context.WithoutCancel(ctx)
}

// Int64N implements [Env].
func (s *System) Int64N(n int64) int64 { return rand.Int64N(n) }

// systemSignal is a channel that is closed.
type systemSignal struct {
	once  sync.Once
	fired chan struct{}
}

// Fire implements [Signal].
func (s *systemSignal) Fire() { s.once.Do(func() { close(s.fired) }) }

// Fired implements [Signal].
func (s *systemSignal) Fired() bool {
	select {
	case <-s.fired:
		return true
	default:
		return false
	}
}

// Done returns a channel that is closed when a signal of a [System] fires, for code that runs in
// production only.
func Done(s Signal) <-chan struct{} { return s.(*systemSignal).fired } //nolint:forcetypeassert // as documented

// Background returns an environment of production for processes that end by themselves, and that
// nobody else waits for.
func Background() *System { return NewSystem(context.Background()) }
