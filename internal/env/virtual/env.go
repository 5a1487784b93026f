package virtual

import (
	"context"
	"time"

	"github.com/p2pchord/p2pchord/internal/env"
)

// Env is the env.Env of one life of a peer.
type Env struct {
	peer *Peer
	life *lifetime
}

var _ env.Env = (*Env)(nil)

// Now implements env.Env.
func (e *Env) Now() time.Time { return e.peer.Time(e.peer.world.now) }

// Go implements env.Env. A panic goes to the world's Fail, because it is a mistake of the code.
func (e *Env) Go(_ string, f func(context.Context), _ func()) {
	if e.peer.up && e.life.err == nil {
		e.peer.start(func() { f(e.life) })
	}
}

// NewSignal implements env.Env.
func (e *Env) NewSignal() env.Signal { return &signal{} }

// Wait implements env.Env.
func (e *Env) Wait(ctx context.Context, d time.Duration, signals ...env.Signal) error {
	w := e.peer.world
	until := Never
	if d >= 0 {
		until = w.now + whole(d)
	}
	own := make([]*signal, len(signals))
	for i, s := range signals {
		own[i] = s.(*signal) //nolint:forcetypeassert // NewSignal makes no others
	}
	l := lifetimeOf(ctx)
	for {
		for _, s := range own {
			if s.fired {
				return nil
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if w.now >= until {
			return env.ErrElapsed
		}
		w.running.wait(l, until, own...)
	}
}

// WithCancel implements env.Env.
func (e *Env) WithCancel(ctx context.Context) (context.Context, context.CancelFunc) {
	l := &lifetime{parent: ctx, above: lifetimeOf(ctx), peer: e.peer, until: Never}
	return l, l.cancel
}

// WithTimeout implements env.Env.
func (e *Env) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	l := &lifetime{parent: ctx, above: lifetimeOf(ctx), peer: e.peer, until: e.peer.world.now + whole(d)}
	return l, l.cancel
}

// WithoutCancel implements env.Env.
func (e *Env) WithoutCancel(ctx context.Context) context.Context {
	return &lifetime{parent: ctx, peer: e.peer, until: Never}
}

// AfterFunc implements env.Env.
func (e *Env) AfterFunc(d time.Duration, f func()) env.Timer {
	t := &timer{env: e, do: f}
	t.Reset(d)
	return t
}

// timer is a call that is to be made.
type timer struct {
	env   *Env
	do    func()
	armed uint64 // the number of the present arming; 0 when the call has been made, or stopped
	count uint64
}

// Stop implements env.Timer.
func (t *timer) Stop() bool {
	was := t.armed > 0
	t.armed = 0
	return was
}

// Reset implements env.Timer.
func (t *timer) Reset(d time.Duration) bool {
	was := t.Stop()
	t.count++
	number := t.count
	t.armed = number
	p := t.env.peer
	p.At(p.world.now+whole(d), func() {
		if t.armed == number {
			t.armed = 0
			defer p.world.Contain()
			t.do()
		}
	})
	return was
}

// Int64N implements env.Env.
func (e *Env) Int64N(n int64) int64 { return e.peer.world.Dice.Int64N(n) }

// whole is a length of virtual time: whole microseconds, rounded up.
func whole(d time.Duration) time.Duration {
	return (min(max(d, 0), Never) + time.Microsecond - 1).Truncate(time.Microsecond)
}
