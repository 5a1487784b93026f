package virtual

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/env"
)

// alone runs a process in the environment of one peer, until nothing is left to happen before the
// limit.
func alone(t *testing.T, limit time.Duration, do func(ctx context.Context, e *Env)) (*World, *Peer) {
	t.Helper()
	w := New(NewDice(1, 1), func(err error) { t.Error(err) })
	p := w.NewPeer()
	e := p.Start()
	e.Go("test", func(ctx context.Context) { do(ctx, e) }, nil)
	for w.Next(limit) {
	}
	return w, p
}

func TestEnvironmentWaits(t *testing.T) {
	t.Parallel()
	type key struct{}
	var story []string
	tell := func(e *Env, format string, args ...any) {
		story = append(story, fmt.Sprintf("%d ", e.peer.world.now.Milliseconds())+fmt.Sprintf(format, args...))
	}
	alone(t, time.Minute, func(ctx context.Context, e *Env) {
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
	alone(t, time.Minute, func(ctx context.Context, e *Env) {
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
	w, p := alone(t, time.Second, func(_ context.Context, e *Env) {
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
	p.End()
	for w.Next(Never) {
	}
	if want := []string{"deferred 0", "deferred 1", "deferred 2"}; !slices.Equal(story, want) {
		t.Errorf("%q", story)
	}
}

func TestPanicsAreReported(t *testing.T) {
	t.Parallel()
	var errs []error
	w := New(NewDice(1, 1), func(err error) { errs = append(errs, err) })
	e := w.NewPeer().Start()
	e.Go("test", func(context.Context) { panic("as planned") }, nil)
	e.AfterFunc(time.Second, func() { panic("as planned") })
	for w.Next(time.Minute) {
	}
	if len(errs) != 2 || !errors.Is(errs[0], ErrPanic) || !errors.Is(errs[1], ErrPanic) {
		t.Error(errs)
	}
}

// What happens to a stopped peer happens when it goes on, unless its life has ended.
func TestAStoppedPeerCatchesUp(t *testing.T) {
	t.Parallel()
	var story []string
	w := New(NewDice(1, 1), func(err error) { t.Error(err) })
	p := w.NewPeer()
	tell := func(what string) func() {
		return func() { story = append(story, fmt.Sprint(w.Now(), " ", what)) }
	}
	e := p.Start()
	e.AfterFunc(time.Second, tell("timer"))
	p.At(2*time.Second, tell("call"))
	stopped := e.AfterFunc(2*time.Second, tell("stopped timer"))
	p.Stop(5 * time.Second)
	stopped.Stop()
	for w.Next(time.Minute) {
	}
	p.Now(tell("call of a life that has ended"))
	p.End()
	p.Start()
	for w.Next(time.Hour) {
	}
	if want := []string{"5s timer", "5s call"}; !slices.Equal(story, want) {
		t.Errorf("got %q, want %q", story, want)
	}
}

func TestTheSameSeedGivesTheSameRun(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (story []int64) {
		w := New(NewDice(seed, 1), func(err error) { t.Error(err) })
		for i := range int64(5) {
			e := w.NewPeer().Start()
			e.Go("test", func(ctx context.Context) {
				for range 5 {
					_ = env.Sleep(ctx, e, time.Duration(e.Int64N(1000))*time.Microsecond)
					story = append(story, i, w.Now().Microseconds())
				}
			}, nil)
		}
		for w.Next(time.Minute) {
		}
		return story
	}
	if a, b := run(1), run(1); len(a) != 50 || !slices.Equal(a, b) {
		t.Errorf("%v\n%v", a, b)
	}
	if slices.Equal(run(1), run(2)) {
		t.Error("another seed gives the same run")
	}
}

// A wrong clock on the wall changes no length of time. The test holds what package time is assumed
// to do.
func TestTimeHasBothClocks(t *testing.T) {
	t.Parallel()
	p := New(NewDice(1, 1), nil).NewPeer()
	before := p.Time(0)
	p.Skew = -5 * time.Minute
	after := p.Time(1500 * time.Millisecond)
	if d := after.Sub(before); d != 1500*time.Millisecond {
		t.Errorf("%s have passed", d)
	}
	if d := after.Round(0).Sub(before.Round(0)); d != 1500*time.Millisecond-5*time.Minute {
		t.Errorf("the wall clock was set by %s", d)
	}
	if !before.Equal(Epoch) {
		t.Errorf("it began at %v", before)
	}
	later := after.Add(time.Minute)
	if later.Sub(before) != 61500*time.Millisecond || !later.After(before) || later.UnixMilli() != Epoch.UnixMilli()+61500-300000 {
		t.Errorf("a minute later it is %v", later)
	}
}
