package env

import (
	"context"
	"fmt"
	"sync"

	"github.com/p2pchord/p2pchord/internal/contain"
)

// ErrGroup is a [Group] whose processes may fail. The first failure ends the context of the others.
type ErrGroup struct {
	group  *Group
	ctx    context.Context
	cancel context.CancelFunc

	mu  sync.Mutex
	err error
}

// NewErrGroup returns a group of which at most limit processes run at a time, 0 is no limit, and
// the context under which they run: ctx, until one has failed or Wait has returned.
func NewErrGroup(ctx context.Context, e Env, limit int) (*ErrGroup, context.Context) {
	g := &ErrGroup{group: NewGroup(e, limit)}
	g.ctx, g.cancel = e.WithCancel(ctx)
	return g, g.ctx
}

// Go starts f as a process of its own, once fewer than limit run. It does not start it any more
// when the group's context has ended; Wait then returns the reason.
func (g *ErrGroup) Go(what string, f func(context.Context) error) {
	err := g.group.Go(g.ctx, what, func(context.Context) {
		err := fmt.Errorf("%w in %s", contain.ErrPanic, what) // unless f returns
		defer func() { g.failed(err) }()
		err = f(g.ctx) //nolint:contextcheck // the group's, which derives from the caller's
	})
	g.failed(err)
}

// Wait waits until all have ended, and returns the first error.
func (g *ErrGroup) Wait() error {
	g.group.Wait()
	g.cancel()
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

func (g *ErrGroup) failed(err error) {
	if err == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err == nil {
		g.err = err
		g.cancel()
	}
}
