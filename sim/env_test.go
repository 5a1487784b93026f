package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/env"
)

// alone runs a process in the environment of one node, until nothing is left to happen before the
// limit.
func alone(t *testing.T, limit moment, do func(ctx context.Context, e *environment)) *world {
	t.Helper()
	w := newWorld(1, second, 3)
	p := w.addAnywhere()
	p.up = true
	e := newEnvironment(p)
	e.Go("test", func(ctx context.Context) { do(ctx, e) }, nil)
	for w.clock.next(limit) {
		if w.check.err != nil {
			t.Fatal(w.check.err)
		}
	}
	return w
}

func TestEnvironmentWaits(t *testing.T) {
	t.Parallel()
	type key struct{}
	var story []string
	tell := func(e *environment, format string, args ...any) {
		story = append(story, fmt.Sprintf("%d ", e.peer.world.now/millisecond)+fmt.Sprintf(format, args...))
	}
	alone(t, minute, func(ctx context.Context, e *environment) {
		tell(e, "elapsed: %v", e.Wait(ctx, time.Second))
		s := e.NewSignal()
		e.Go("firing", func(ctx context.Context) { _ = env.Sleep(ctx, e, time.Second); s.Fire(); s.Fire() }, nil)
		tell(e, "fired: %v", e.Wait(ctx, env.Forever, e.NewSignal(), s, e.NewSignal()))
		tell(e, "fired before: %v", e.Wait(ctx, 0, s))

		short, cancel := e.WithTimeout(context.WithValue(ctx, key{}, "kept"), 1500*time.Millisecond)
		tell(e, "%v", short.Value(key{}))
		inner, cancelInner := e.WithCancel(context.WithValue(short, key{}, "new"))
		tell(e, "late: %v", e.Wait(inner, env.Forever, e.NewSignal()))
		tell(e, "late: %v", inner.Err())
		cancelInner()
		cancel()

		outer, cancel := e.WithCancel(ctx)
		under, cancelUnder := e.WithTimeout(outer, time.Hour)
		free := e.WithoutCancel(under)
		e.Go("canceling", func(ctx context.Context) { _ = env.Sleep(ctx, e, time.Second); cancel() }, nil)
		tell(e, "canceled: %v", e.Wait(context.WithValue(under, key{}, 1), env.Forever))
		tell(e, "free: %v", env.Sleep(free, e, time.Second))
		cancelUnder()
		if deadline, ok := under.Deadline(); !ok || deadline.Sub(e.Now()) != time.Hour-2*time.Second {
			tell(e, "a deadline in %s", deadline.Sub(e.Now()))
		}
	})
	want := []string{
		"1000 elapsed: the time has passed", "2000 fired: <nil>", "2000 fired before: <nil>", "2000 kept",
		"3500 late: context deadline exceeded", "3500 late: context deadline exceeded",
		"4500 canceled: context canceled", "5500 free: <nil>",
	}
	if !slices.Equal(story, want) {
		t.Errorf("got %q\nwant %q", story, want)
	}
}

// What shared code is made of works in virtual time as it does in real time.
func TestEnvironmentRunsQueuesAndGroups(t *testing.T) {
	t.Parallel()
	done := false
	alone(t, minute, func(ctx context.Context, e *environment) {
		g, q := env.NewGroup(e, 2), env.NewQueue[int](e, 0)
		began := e.Now()
		for i := range 6 {
			if err := g.Go(ctx, "working", func(ctx context.Context) { _ = env.Sleep(ctx, e, time.Second); q.Put(i) }); err != nil {
				t.Error(err)
			}
		}
		g.Wait()
		for want := range 6 {
			if got, err := q.Next(ctx, 0); got != want || err != nil {
				t.Errorf("got %d, %v; want %d", got, err, want)
			}
		}
		if _, err := q.Next(ctx, time.Second); !errors.Is(err, env.ErrElapsed) || env.Since(e, began) != 4*time.Second {
			t.Errorf("%v after %s", err, env.Since(e, began))
		}
		done = true
	})
	if !done {
		t.Error("it did not end")
	}
}

// A crash ends the processes of a node where they wait. What they have deferred is done, and waits
// no more; a recover doesn't hold it up.
func TestACrashEndsProcesses(t *testing.T) {
	t.Parallel()
	var story []string
	var peer *peer
	w := alone(t, second, func(ctx context.Context, e *environment) {
		peer = e.peer
		for i := range 3 {
			e.Go("waiting", func(ctx context.Context) {
				defer func() {
					story = append(story, fmt.Sprint("deferred ", i))
					_ = e.Wait(ctx, env.Forever)
					t.Error("it goes on")
				}()
				func() {
					defer func() { _ = recover() }()
					_ = e.Wait(ctx, env.Forever)
				}()
				t.Error("it goes on")
			}, nil)
		}
	})
	peer.end()
	peer.up = false
	for w.clock.next(never) {
	}
	if want := []string{"deferred 0", "deferred 1", "deferred 2"}; !slices.Equal(story, want) || w.check.err != nil {
		t.Errorf("%q, %v", story, w.check.err)
	}
}

func TestAPanicEndsTheRun(t *testing.T) {
	t.Parallel()
	w := newWorld(1, second, 3)
	p := w.addAnywhere()
	p.up = true
	newEnvironment(p).Go("test", func(context.Context) { panic("as planned") }, nil)
	w.clock.next(never)
	if !errors.Is(w.check.err, errPanic) {
		t.Error(w.check.err)
	}
}

// A wrong clock on the wall changes no length of time. The test holds what package time is assumed
// to do.
func TestTimeHasBothClocks(t *testing.T) {
	t.Parallel()
	w := newWorld(1, second, 3)
	p := w.addAnywhere()
	before := p.timeAt(0)
	p.skew = -5 * minute
	after := p.timeAt(1500 * millisecond)
	if d := after.Sub(before); d != 1500*time.Millisecond {
		t.Errorf("%s have passed", d)
	}
	if d := after.Round(0).Sub(before.Round(0)); d != 1500*time.Millisecond-5*time.Minute {
		t.Errorf("the wall clock was set by %s", d)
	}
	if got := before.UnixMilli(); got != epochMillis {
		t.Errorf("it began at %d", got)
	}
	later := after.Add(time.Minute)
	if later.Sub(before) != 61500*time.Millisecond || !later.After(before) || later.UnixMilli() != epochMillis+61500-300000 {
		t.Errorf("a minute later it is %v", later)
	}
}
