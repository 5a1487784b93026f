package virtual

import (
	"context"
	"time"
)

// lifetime is a context in virtual time. It has no channel, so package context starts no goroutine
// for those that are derived from it.
type lifetime struct {
	parent context.Context //nolint:containedctx // it is one
	above  *lifetime       // the nearest of the parents that ends
	peer   *Peer
	until  time.Duration
	err    error // once it has been canceled
}

type lifetimeKey struct{}

// lifetimeOf is the nearest lifetime among a context and its parents; nil if there is none.
func lifetimeOf(ctx context.Context) *lifetime {
	l, _ := ctx.Value(lifetimeKey{}).(*lifetime)
	return l
}

// Deadline implements context.Context.
func (l *lifetime) Deadline() (time.Time, bool) {
	end := l.end()
	if end == Never {
		return time.Time{}, false
	}
	return l.peer.Time(end), true
}

// Done implements context.Context. Who waits does so through the environment.
func (l *lifetime) Done() <-chan struct{} { return nil }

// Err implements context.Context.
func (l *lifetime) Err() error {
	for ; l != nil; l = l.above {
		switch {
		case l.err != nil:
			return l.err
		case l.peer.world.now >= l.until:
			return context.DeadlineExceeded
		}
	}
	return nil
}

// Value implements context.Context.
func (l *lifetime) Value(key any) any {
	if key == (lifetimeKey{}) {
		return l
	}
	return l.parent.Value(key)
}

// end is the earliest deadline; Never if there is none.
func (l *lifetime) end() time.Duration {
	end := Never
	for ; l != nil; l = l.above {
		end = min(end, l.until)
	}
	return end
}

// cancel ends it, and the waits under it.
func (l *lifetime) cancel() {
	if l.Err() != nil {
		return
	}
	l.err = context.Canceled
	for _, t := range l.peer.processes {
		if !t.ended && t.under != nil && t.under.Err() != nil {
			t.wake(t.naps)
		}
	}
}
