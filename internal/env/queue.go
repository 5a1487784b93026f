package env

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrQueueClosed says that a queue takes and gives no more values.
var ErrQueueClosed = errors.New("the queue is closed")

// Queue passes values from processes to one that waits for them, in order.
// It is what a channel is elsewhere.
type Queue[T any] struct {
	env   Env
	limit int

	mu      sync.Mutex
	values  []T
	closed  bool
	arrived Signal // of the next value; nil while nobody waits
	taken   Signal // of the next free place; nil while nobody waits
}

// NewQueue returns an empty queue of at most limit values; 0 is no limit.
func NewQueue[T any](e Env, limit int) *Queue[T] { return &Queue[T]{env: e, limit: limit} }

// Put adds a value. It waits while the queue is full, and returns false when the queue is closed.
func (q *Queue[T]) Put(v T) bool {
	for {
		ok, changed := q.put(v)
		if changed == nil {
			return ok
		}
		_ = q.env.Wait(context.Background(), Forever, changed) // Close ends it
	}
}

// Next returns the oldest value. It waits for one for at most d, and then returns ErrElapsed, or
// until the context has ended, and returns its error. A closed queue returns ErrQueueClosed.
func (q *Queue[T]) Next(ctx context.Context, d time.Duration) (v T, err error) {
	until := q.env.Now().Add(d)
	for {
		v, ok, arrived := q.take()
		switch {
		case ok:
			return v, nil
		case arrived == nil:
			return v, ErrQueueClosed
		case d > 0:
			d = max(0, until.Sub(q.env.Now()))
		}
		if err := q.env.Wait(ctx, d, arrived); err != nil {
			return v, err
		}
	}
}

// Close ends all waits, and drops the values that nobody has taken.
func (q *Queue[T]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.values = true, nil
	q.fire(&q.arrived)
	q.fire(&q.taken)
}

// put adds a value, or returns what fires when there may be a place for it.
func (q *Queue[T]) put(v T) (ok bool, changed Signal) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return false, nil
	case q.limit > 0 && len(q.values) >= q.limit:
		return false, q.signal(&q.taken)
	}
	q.values = append(q.values, v)
	q.fire(&q.arrived)
	return true, nil
}

// take returns the oldest value, or what fires when there is one: nil when the queue is closed.
func (q *Queue[T]) take() (v T, ok bool, arrived Signal) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return v, false, nil
	case len(q.values) == 0:
		return v, false, q.signal(&q.arrived)
	}
	v = q.values[0]
	clear(q.values[:1])
	q.values = q.values[1:]
	q.fire(&q.taken)
	return v, true, nil
}

func (q *Queue[T]) signal(s *Signal) Signal {
	if *s == nil {
		*s = q.env.NewSignal()
	}
	return *s
}

func (q *Queue[T]) fire(s *Signal) {
	if *s != nil {
		(*s).Fire()
		*s = nil
	}
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

// Await waits for a wake-up or until the period has passed. It returns false when the context has
// ended. One process at a time may call it.
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
