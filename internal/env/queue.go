package env

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Queue passes values from processes to one that waits for them, in order and without a bound.
// It is what a channel is elsewhere.
type Queue[T any] struct {
	env Env

	mu      sync.Mutex
	values  []T
	arrived Signal // of the next value; nil while nobody waits
}

// NewQueue returns an empty queue.
func NewQueue[T any](e Env) *Queue[T] { return &Queue[T]{env: e} }

// Put adds a value.
func (q *Queue[T]) Put(v T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.values = append(q.values, v)
	if q.arrived != nil {
		q.arrived.Fire()
		q.arrived = nil
	}
}

// Next returns the oldest value. It waits for one for at most d, and then returns ErrElapsed, or
// until the context has ended, and returns its error.
func (q *Queue[T]) Next(ctx context.Context, d time.Duration) (v T, err error) {
	until := q.env.Now().Add(d)
	for {
		v, ok, arrived := q.take()
		if ok {
			return v, nil
		}
		if d > 0 {
			d = max(0, until.Sub(q.env.Now()))
		}
		if err := q.env.Wait(ctx, d, arrived); err != nil {
			return v, err
		}
	}
}

// take returns the oldest value, or what fires when there is one.
func (q *Queue[T]) take() (v T, ok bool, arrived Signal) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.values) > 0 {
		v = q.values[0]
		clear(q.values[:1])
		q.values = q.values[1:]
		return v, true, nil
	}
	if q.arrived == nil {
		q.arrived = q.env.NewSignal()
	}
	return v, false, q.arrived
}

// Wakeup wakes a process that does something now and then. Many wake-ups before it awaits are one.
type Wakeup struct {
	env Env

	mu      sync.Mutex
	pending bool
	woken   Signal
}

// NewWakeup returns a wake-up that is not pending.
func NewWakeup(e Env) *Wakeup { return &Wakeup{env: e} }

// Wake has the process go on, now or as soon as it awaits.
func (w *Wakeup) Wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = true
	if w.woken != nil {
		w.woken.Fire()
	}
}

// Await waits for a wake-up or until the period has passed. It returns false when the context has ended.
// One process at a time may call it.
func (w *Wakeup) Await(ctx context.Context, period time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	err := w.env.Wait(ctx, period, w.arm())
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending, w.woken = false, nil
	return err == nil || errors.Is(err, ErrElapsed)
}

// arm returns what fires with the next wake-up.
func (w *Wakeup) arm() Signal {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.woken = w.env.NewSignal()
	if w.pending {
		w.woken.Fire()
	}
	return w.woken
}
