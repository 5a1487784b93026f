package sim

import (
	"context"
	"time"
	"unsafe"

	"github.com/p2pchord/p2pchord/internal/env"
)

// environment is the env.Env of one life of a node.
type environment struct {
	peer *peer
	life *lifetime
}

var _ env.Env = (*environment)(nil)

func newEnvironment(p *peer) *environment {
	return &environment{peer: p, life: &lifetime{parent: context.Background(), peer: p, until: never}}
}

// Now implements env.Env.
func (e *environment) Now() time.Time { return e.peer.timeAt(e.peer.world.now) }

// Go implements env.Env. A panic ends the run, for it is a mistake in the product.
func (e *environment) Go(_ string, f func(context.Context), _ func()) {
	if e.peer.up && e.life.err == nil {
		e.peer.spawn(func(*process) { f(e.life) })
	}
}

// NewSignal implements env.Env.
func (e *environment) NewSignal() env.Signal { return &signal{} }

// Wait implements env.Env.
func (e *environment) Wait(ctx context.Context, d time.Duration, signals ...env.Signal) error {
	w := e.peer.world
	until := never
	if d >= 0 {
		until = w.now + micros(d)
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
		w.running.waitUnder(l, until, own...)
	}
}

// WithCancel implements env.Env.
func (e *environment) WithCancel(ctx context.Context) (context.Context, context.CancelFunc) {
	l := &lifetime{parent: ctx, above: lifetimeOf(ctx), peer: e.peer, until: never}
	return l, l.cancel
}

// WithTimeout implements env.Env.
func (e *environment) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	l := &lifetime{parent: ctx, above: lifetimeOf(ctx), peer: e.peer, until: e.peer.world.now + micros(d)}
	return l, l.cancel
}

// WithoutCancel implements env.Env.
func (e *environment) WithoutCancel(ctx context.Context) context.Context {
	return &lifetime{parent: ctx, peer: e.peer, until: never}
}

// AfterFunc implements env.Env.
func (e *environment) AfterFunc(d time.Duration, f func()) env.Timer {
	t := &timer{env: e, do: f}
	t.Reset(d)
	return t
}

// timer is a call that is to be made.
type timer struct {
	env   *environment
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
	p.world.exec(p, p.life, p.world.now+micros(d), func() {
		if t.armed == number {
			t.armed = 0
			defer p.contain()
			t.do()
		}
	})
	return was
}

// Int64N implements env.Env.
func (e *environment) Int64N(n int64) int64 { return e.peer.world.dice.Int64N(n) }

// micros is a length of virtual time, rounded up.
func micros(d time.Duration) moment {
	return moment((max(d, 0) + time.Microsecond - 1) / time.Microsecond)
}

// lifetime is a context in virtual time. It has no channel, so package context starts no goroutine
// for those that are derived from it.
type lifetime struct {
	parent context.Context //nolint:containedctx // it is one
	above  *lifetime       // the nearest of the parents that ends
	peer   *peer
	until  moment
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
	if end == never {
		return time.Time{}, false
	}
	return l.peer.timeAt(end), true
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

// end is the earliest deadline; never if there is none.
func (l *lifetime) end() moment {
	end := never
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

// epochMillis is when a world begins, in milliseconds since 1970.
const epochMillis = 1_700_000_000_000

// timeAt is what a node's clocks show at a moment: the one on the wall, which may be wrong and be
// set, and the monotonic one, which tells how much time has passed.
func (p *peer) timeAt(t moment) time.Time {
	wall := time.UnixMicro(epochMillis*1000 + int64(t+p.skew))
	return withMonotonic(wall, time.Second+time.Duration(t)*time.Microsecond)
}

// withMonotonic gives a time a reading of a monotonic clock. Package time has no way to do so but
// its own clock.
func withMonotonic(wall time.Time, monotonic time.Duration) time.Time {
	const (
		hasMonotonic = 1 << 63
		unix1885     = -2_682_288_000 // the seconds of such times count from 1885
	)
	t := time.Now() // has both, and the local time zone
	parts := (*struct {
		wall uint64
		ext  int64
	})(unsafe.Pointer(&t)) //nolint:gosec // TestTimeHasBothClocks fails when the layout changes
	parts.wall = hasMonotonic | uint64(wall.Unix()-unix1885)<<30 | uint64(wall.Nanosecond()) //nolint:gosec // after 1885
	parts.ext = int64(monotonic)
	return t
}
