package env

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/p2pchord/p2pchord/internal/contain"
)

// in runs f in a bubble of virtual time with the environment of production.
func in(t *testing.T, f func(ctx context.Context, e Env)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		e := NewSystem(ctx)
		f(ctx, e)
		cancel()
		e.AwaitProcesses()
	})
}

func TestWait(t *testing.T) {
	in(t, func(ctx context.Context, e Env) {
		began := e.Now()
		if err := e.Wait(ctx, time.Second); !errors.Is(err, ErrElapsed) || Since(e, began) != time.Second {
			t.Errorf("a wait of a second ends after %s with %v", Since(e, began), err)
		}
		for n := range 5 {
			signals := []Signal{e.NewSignal(), e.NewSignal(), e.NewSignal(), e.NewSignal(), e.NewSignal()}
			e.Go("firing", func(ctx context.Context) { _ = Sleep(ctx, e, time.Second); signals[n].Fire(); signals[n].Fire() }, nil)
			began := e.Now()
			if err := e.Wait(ctx, Forever, signals...); err != nil || Since(e, began) != time.Second || !signals[n].Fired() {
				t.Errorf("signal %d of 5: %v after %s", n, err, Since(e, began))
			}
			if err := e.Wait(ctx, 0, signals[n]); err != nil {
				t.Errorf("a signal that has fired: %v", err)
			}
		}
		short, cancel := e.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := e.Wait(short, Forever, e.NewSignal()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after the context's end: %v", err)
		}
		if err := Sleep(short, e, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a sleep without time after the context's end: %v", err)
		}
	})
}

func TestAPanicOfAProcessIsContained(t *testing.T) {
	in(t, func(ctx context.Context, e Env) {
		failed := e.NewSignal()
		e.Go("failing", func(context.Context) { panic("as planned") }, failed.Fire)
		if err := e.Wait(ctx, time.Second, failed); err != nil {
			t.Error(err)
		}
	})
}

func TestQueue(t *testing.T) {
	in(t, func(ctx context.Context, e Env) {
		q := NewQueue[int](e, 0)
		if _, err := q.Next(ctx, time.Second); !errors.Is(err, ErrElapsed) {
			t.Errorf("of an empty queue: %v", err)
		}
		e.Go("putting", func(ctx context.Context) {
			for i := range 3 {
				_ = Sleep(ctx, e, time.Second)
				q.Put(i)
			}
		}, nil)
		for want := range 3 {
			if got, err := q.Next(ctx, Forever); got != want || err != nil {
				t.Errorf("got %d, %v; want %d", got, err, want)
			}
		}
	})
}

func TestAFullQueueWaits(t *testing.T) {
	in(t, func(ctx context.Context, e Env) {
		q := NewQueue[int](e, 2)
		began, done := e.Now(), e.NewSignal()
		e.Go("putting", func(context.Context) {
			for i := range 4 {
				if !q.Put(i) {
					t.Errorf("the queue refused %d", i)
				}
			}
			if Since(e, began) != time.Second {
				t.Errorf("four values were put after %s, want a second", Since(e, began))
			}
			done.Fire()
		}, nil)
		_ = Sleep(ctx, e, time.Second)
		for want := range 4 {
			if got, err := q.Next(ctx, time.Second); got != want || err != nil {
				t.Errorf("got %d, %v; want %d", got, err, want)
			}
		}
		_ = e.Wait(ctx, time.Second, done)
	})
}

func TestACloseEndsTheWaitsForAQueue(t *testing.T) {
	in(t, func(ctx context.Context, e Env) {
		full, empty := NewQueue[int](e, 1), NewQueue[int](e, 1)
		full.Put(1)
		e.Go("closing", func(ctx context.Context) {
			_ = Sleep(ctx, e, time.Second)
			full.Close()
			empty.Close()
		}, nil)
		if full.Put(2) {
			t.Error("a closed queue takes a value")
		}
		if _, err := empty.Next(ctx, Forever); !errors.Is(err, ErrQueueClosed) {
			t.Errorf("of a closed queue: %v", err)
		}
	})
}

func TestWakeup(t *testing.T) {
	in(t, func(ctx context.Context, e Env) {
		w := NewWakeup(e)
		w.Wake()
		w.Wake()
		began := e.Now()
		if !w.Await(ctx, time.Minute) || Since(e, began) != 0 {
			t.Error("a wake-up of before doesn't end the wait")
		}
		if !w.Await(ctx, time.Minute) || Since(e, began) != time.Minute {
			t.Error("two wake-ups end two waits")
		}
		e.Go("waking", func(ctx context.Context) { _ = Sleep(ctx, e, time.Second); w.Wake() }, nil)
		began = e.Now()
		if !w.Await(ctx, time.Minute) || Since(e, began) != time.Second {
			t.Error("a wake-up doesn't end the wait")
		}
		ended, cancel := e.WithCancel(ctx)
		cancel()
		if w.Await(ended, time.Minute) {
			t.Error("a wait goes on after its context")
		}
	})
}

func TestGroup(t *testing.T) {
	in(t, func(ctx context.Context, e Env) {
		g := NewGroup(e, 2)
		began := e.Now()
		for range 6 {
			if err := g.Go(ctx, "working", func(ctx context.Context) { _ = Sleep(ctx, e, time.Second) }); err != nil {
				t.Error(err)
			}
		}
		g.Wait()
		if Since(e, began) != 3*time.Second {
			t.Errorf("six seconds of work by two at a time took %s", Since(e, began))
		}
		short, cancel := e.WithTimeout(ctx, time.Second)
		defer cancel()
		for range 2 {
			_ = g.Go(ctx, "working", func(ctx context.Context) { _ = Sleep(ctx, e, time.Minute) })
		}
		if err := g.Go(short, "late", func(context.Context) { t.Error("it runs") }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("of a full group: %v", err)
		}
		g.Wait()
	})
}

func TestErrGroup(t *testing.T) {
	in(t, func(ctx context.Context, e Env) {
		failed := errors.New("failed")
		g, gctx := NewErrGroup(ctx, e, 2)
		began := e.Now()
		for i := range 6 {
			g.Go("working", func(ctx context.Context) error {
				if err := Sleep(ctx, e, time.Second); err != nil || i < 2 {
					return err
				}
				return failed
			})
		}
		if err := g.Wait(); !errors.Is(err, failed) || Since(e, began) != 2*time.Second || gctx.Err() == nil {
			t.Errorf("after %s: %v", Since(e, began), err)
		}
		g, _ = NewErrGroup(ctx, e, 0)
		g.Go("failing", func(context.Context) error { panic("as planned") })
		if err := g.Wait(); !errors.Is(err, contain.ErrPanic) {
			t.Errorf("after a panic: %v", err)
		}
		g, _ = NewErrGroup(ctx, e, 0)
		g.Go("working", func(context.Context) error { return nil })
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func TestLock(t *testing.T) {
	in(t, func(ctx context.Context, e Env) {
		l := NewLock(e)
		began := e.Now()
		g := NewGroup(e, 0)
		for range 3 {
			_ = g.Go(ctx, "holding the lock", func(ctx context.Context) {
				if err := l.Acquire(ctx); err != nil {
					t.Error(err)
					return
				}
				defer l.Release()
				_ = Sleep(ctx, e, time.Second)
			})
		}
		_ = Sleep(ctx, e, time.Second/2)
		short, cancel := e.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := l.Acquire(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("of a lock that others hold: %v", err)
		}
		g.Wait()
		if Since(e, began) != 3*time.Second {
			t.Errorf("three held it for %s", Since(e, began))
		}
		if err := l.Acquire(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestAfterFunc(t *testing.T) {
	in(t, func(ctx context.Context, e Env) {
		called := e.NewSignal()
		timer := e.AfterFunc(time.Second, called.Fire)
		timer.Reset(time.Minute)
		began := e.Now()
		if err := e.Wait(ctx, time.Hour, called); err != nil || Since(e, began) != time.Minute {
			t.Errorf("called after %s: %v", Since(e, began), err)
		}
		if !e.AfterFunc(time.Second, func() { t.Error("a stopped timer calls") }).Stop() {
			t.Error("a timer can't be stopped")
		}
		_ = Sleep(ctx, e, time.Minute)
	})
}

// Requests of users start processes while their peer ends.
func TestAProcessMayStartWhileTheOthersEnd(t *testing.T) {
	t.Parallel()
	e := NewSystem(t.Context())
	var started sync.WaitGroup
	for range 4 {
		started.Go(func() {
			for range 1000 {
				e.Go("starting late", func(context.Context) {}, nil)
			}
		})
	}
	for range 1000 {
		e.AwaitProcesses()
	}
	started.Wait()
	e.AwaitProcesses()
}
