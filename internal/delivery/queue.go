// Package delivery hands values to a function that may block, without blocking their senders.
package delivery

import (
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/internal/contain"
)

// Queue delivers values one at a time, in order, from its own goroutine. When it is full it drops
// new values, counts them, and reports the number once there is space.
type Queue[T any] struct {
	what    string
	limit   int
	deliver func(T)
	lost    func(n uint64) T

	mu      sync.Mutex
	values  []T
	busy    bool   // a value is being delivered
	gap     uint64 // dropped since the last value that was taken
	dropped uint64
	closed  bool
	change  *sync.Cond
	ended   chan struct{}
}

// New returns a queue of at most limit values. lost turns the number of dropped values into a
// value. what names the queue if deliver panics.
func New[T any](what string, limit int, deliver func(T), lost func(n uint64) T) *Queue[T] {
	q := &Queue[T]{what: what, limit: limit, deliver: deliver, lost: lost, ended: make(chan struct{})}
	q.change = sync.NewCond(&q.mu)
	go q.run()
	return q
}

// Put adds a value. It never blocks.
func (q *Queue[T]) Put(v T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || len(q.values) >= q.limit || q.gap > 0 {
		q.gap++
		q.dropped++
		return
	}
	q.values = append(q.values, v)
	q.change.Broadcast()
}

// Dropped returns the number of values that were dropped so far.
func (q *Queue[T]) Dropped() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// Flush waits until everything is delivered, for as long as within. It returns false if something
// isn't delivered by then.
func (q *Queue[T]) Flush(within time.Duration) bool {
	timer := time.AfterFunc(within, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.change.Broadcast()
	})
	defer timer.Stop()
	deadline := time.Now().Add(within)
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.values) > 0 || q.gap > 0 && !q.closed || q.busy {
		if !time.Now().Before(deadline) {
			return false
		}
		q.change.Wait()
	}
	return true
}

// Close ends the queue: later values are dropped. It waits for the values in it as Flush does; a
// call that blocks for longer is abandoned.
func (q *Queue[T]) Close(within time.Duration) bool {
	q.mu.Lock()
	q.closed = true
	q.change.Broadcast()
	q.mu.Unlock()
	select {
	case <-q.ended:
		return true
	case <-time.After(within):
		return false
	}
}

func (q *Queue[T]) run() {
	defer close(q.ended)
	for {
		v, ok := q.take()
		if !ok {
			return
		}
		// it is logged and counted
		_ = contain.Run(q.what, func() error { q.deliver(v); return nil })
		q.mu.Lock()
		q.busy = false
		q.change.Broadcast()
		q.mu.Unlock()
	}
}

// take returns the next value, or false when the queue has ended.
func (q *Queue[T]) take() (v T, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.values) == 0 && q.gap == 0 && !q.closed {
		q.change.Wait()
	}
	switch {
	case len(q.values) > 0:
		v = q.values[0]
		q.values = q.values[1:]
	case q.gap > 0 && !q.closed:
		v = q.lost(q.gap)
		q.gap = 0
	default:
		return v, false
	}
	q.busy = true
	return v, true
}
