package env

import (
	"context"
	"sync"
)

// Group is a number of processes that somebody waits for, of which only so many run at a time.
type Group struct {
	env   Env
	limit int

	mu      sync.Mutex
	running int
	changed Signal // of running; nil while nobody waits
}

// NewGroup returns a group of which at most limit processes run at a time; 0 is no limit.
func NewGroup(e Env, limit int) *Group { return &Group{env: e, limit: limit} }

// Go starts f as a process of its own, once fewer than limit run. When the context ends before, it
// returns its error and f is not run.
func (g *Group) Go(ctx context.Context, what string, f func(context.Context)) error {
	for {
		ok, changed := g.enter()
		if ok {
			break
		}
		if err := g.env.Wait(ctx, Forever, changed); err != nil {
			return err
		}
	}
	g.env.Go(what, func(ctx context.Context) { defer g.leave(); f(ctx) }, nil)
	return nil
}

// Wait waits until no process of the group runs, whatever becomes of the context of the caller:
// those that it started use what is the caller's.
func (g *Group) Wait() {
	for {
		changed := g.busy()
		if changed == nil {
			return
		}
		_ = g.env.Wait(context.Background(), Forever, changed) // without an end
	}
}

func (g *Group) enter() (ok bool, changed Signal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.limit == 0 || g.running < g.limit {
		g.running++
		return true, nil
	}
	return false, g.nextChange()
}

func (g *Group) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	if g.changed != nil {
		g.changed.Fire()
		g.changed = nil
	}
}

// busy returns nil when no process runs, else what fires with the next that ends.
func (g *Group) busy() Signal {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running == 0 {
		return nil
	}
	return g.nextChange()
}

func (g *Group) nextChange() Signal {
	if g.changed == nil {
		g.changed = g.env.NewSignal()
	}
	return g.changed
}
