// Package env is what concurrent code needs of the world: a clock, processes, and waiting.
//
// Code that carries out the protocols of a peer starts processes and waits through an [Env] only.
// In production a process is a goroutine and time is the system's ([System]). In a simulation it is
// a coroutine in virtual time, of which one runs at a time, so a seed decides the order of
// everything. The same code runs in both.
//
// Such code has no go statements, channels, select statements, timers, or calls of time.Now, and
// derives no context with a cancellation of its own except through its Env. It may use mutexes, but
// never holds one while it waits: in a simulation nobody could give it back.
//
// The package has no goroutines besides those of processes, and holds no lock while it waits.
package env

import (
	"context"
	"errors"
	"time"
)

// Forever is a wait without an end of its own.
const Forever = time.Duration(-1)

// ErrElapsed says that the time of a wait has passed.
var ErrElapsed = errors.New("the time has passed")

// Env is the environment of the processes of one peer. Its methods may be called from many
// processes.
type Env interface {
	// Now is the time by this machine's clock.
	Now() time.Time

	// Go starts a process. Its context ends with the peer. A panic in it is contained: failed, if
	// not nil, is then called in its place. what names the work in the log.
	Go(what string, f func(context.Context), failed func())

	// NewSignal returns a signal that has not fired.
	NewSignal() Signal

	// Wait waits until one of the signals has fired, and returns nil; or until d has passed, and
	// returns ErrElapsed; or until the context has ended, and returns its error. A signal that has
	// fired already comes first, then a context that has ended. d may be Forever.
	Wait(ctx context.Context, d time.Duration, signals ...Signal) error

	// AfterFunc calls f after d, unless the timer is stopped before. f must not wait.
	AfterFunc(d time.Duration, f func()) Timer

	// WithCancel, WithTimeout, and WithoutCancel are those of package context.
	WithCancel(ctx context.Context) (context.Context, context.CancelFunc)
	WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
	WithoutCancel(ctx context.Context) context.Context

	// Int64N returns a random number in [0, n). It spreads load and is no secret.
	Int64N(n int64) int64
}

// Signal is an event that happens once. Fire may be called more than once and from any process.
type Signal interface {
	Fire()
	Fired() bool
}

// Timer is a call that is to be made. Its methods are those of a time.Timer made by time.AfterFunc.
type Timer interface {
	Stop() bool
	Reset(d time.Duration) bool
}

// Sleep waits until d has passed, or returns the context's error.
func Sleep(ctx context.Context, e Env, d time.Duration) error {
	if err := e.Wait(ctx, d); !errors.Is(err, ErrElapsed) {
		return err
	}
	return nil
}

// Since returns the time that has passed since t.
func Since(e Env, t time.Time) time.Duration { return e.Now().Sub(t) }
