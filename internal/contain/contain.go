// Package contain keeps a panic within the piece of work in which it happens.
//
// A peer decides what a node works on, so a mistake in one handler must cost one request and not
// the process. A contained panic is logged with its stack, once for each place, and counted. State
// that a panic may have left half changed must not be used after it: the ring's machine, for
// example, doesn't run in here.
package contain

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	golog "github.com/ipfs/go-log/v2"

	"github.com/p2pchord/p2pchord/internal/fault"
)

var log = golog.Logger("p2pchord/contain")

// ErrPanic is wrapped by the error of work that panicked.
var ErrPanic = errors.New("internal error: a panic was contained")

var total atomic.Uint64

// Total is how many panics this process has contained.
func Total() uint64 { return total.Load() }

// Run calls f. If f panics, the error is of the kind fault.Failed and wraps ErrPanic. what names
// the work in the log.
func Run(what string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			note(what, v)
			err = fault.New(fault.Failed, "%w in %s", ErrPanic, what)
		}
	}()
	return f()
}

// Go is like wg.Go, with a panic of f contained. failed, if not nil, is called after a panic: it
// reports the failure to whatever waits for f's outcome.
func Go(wg *sync.WaitGroup, what string, f, failed func()) {
	wg.Go(func() {
		err := Run(what, func() error { f(); return nil })
		if err != nil && failed != nil {
			failed()
		}
	})
}

const (
	// firstPause is how long Restart waits after the first panic; it doubles up to longestPause.
	firstPause   = time.Second
	longestPause = 5 * time.Minute
	// calmAfter is how long work has to run well before its pauses start over.
	calmAfter = 10 * time.Minute
)

// Restart calls f until it returns without a panic, or ctx ends. After each panic it waits longer.
func Restart(ctx context.Context, what string, f func(context.Context)) {
	pause := firstPause
	for {
		began := time.Now()
		if Run(what, func() error { f(ctx); return nil }) == nil {
			return
		}
		if time.Since(began) > calmAfter {
			pause = firstPause
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		pause = min(2*pause, longestPause)
	}
}

// maxPlaces bounds the places whose logged stacks are remembered.
const maxPlaces = 256

var (
	mu     sync.Mutex
	logged = make(map[string]bool)
)

// note counts a panic and logs it: with its stack when none of the same place was logged before.
func note(what string, v any) {
	total.Add(1)
	remember(what)
	at := place()
	mu.Lock()
	seen := logged[at]
	if !seen && len(logged) < maxPlaces {
		logged[at] = true
	}
	mu.Unlock()
	if seen {
		log.Debugw("a panic was contained again", "in", what, "at", at)
		return
	}
	log.Errorw("a panic was contained: this is a bug, please report it", "in", what, "at", at,
		"panic", fmt.Sprint(v), "stack", string(debug.Stack()))
}

// place is the function and line that panicked: the caller of the last function of the runtime on
// the stack.
func place() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs[:])])
	at, panicked := "", false
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicked, at = true, ""
		case panicked && at == "" && !isRuntime(f.Function):
			at = fmt.Sprintf("%s:%d", f.Function, f.Line)
		}
		if !more {
			return at
		}
	}
}

func isRuntime(function string) bool {
	return len(function) > 8 && function[:8] == "runtime."
}
