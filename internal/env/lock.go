package env

import (
	"context"
	"sync"
)

// Lock is a lock that its holder may hold while it waits. Those that wait for it get it in order.
type Lock struct {
	env Env

	mu      sync.Mutex
	held    bool
	waiting []*lockWaiter
}

type lockWaiter struct{ granted Signal }

// NewLock returns a lock that nobody holds.
func NewLock(e Env) *Lock { return &Lock{env: e} }

// Acquire waits for the lock, or returns the context's error.
func (l *Lock) Acquire(ctx context.Context) error {
	w := l.enter()
	if w == nil {
		return nil
	}
	err := l.env.Wait(ctx, Forever, w.granted)
	if err != nil {
		l.giveUp(w)
	}
	return err
}

// Release gives the lock to the next.
func (l *Lock) Release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next()
}

// enter takes the lock, or returns what waits for it.
func (l *Lock) enter() *lockWaiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.held {
		l.held = true
		return nil
	}
	w := &lockWaiter{l.env.NewSignal()}
	l.waiting = append(l.waiting, w)
	return w
}

// giveUp takes w out of the queue, or passes on the lock that it has been granted meanwhile.
func (l *Lock) giveUp(w *lockWaiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, other := range l.waiting {
		if other == w {
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			return
		}
	}
	l.next()
}

func (l *Lock) next() {
	if len(l.waiting) == 0 {
		l.held = false
		return
	}
	l.waiting[0].granted.Fire()
	l.waiting = l.waiting[1:]
}
