package replication

import (
	"context"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/protocol"
)

// progressWatch ends a context under which nothing moves for limit; see protocol.WithProgress.
type progressWatch struct {
	env    env.Env
	limit  time.Duration
	cancel context.CancelFunc

	mu     sync.Mutex
	timer  env.Timer // nil once the watch has ended
	notes  int       // of progress in the present attempt
	best   int       // in any
	bestAt time.Time // when there were most
}

// watchProgress returns the context and its watch, whose done must be called.
func (n *Node) watchProgress(ctx context.Context, limit time.Duration) (context.Context, *progressWatch) {
	w := &progressWatch{env: n.env, limit: limit, bestAt: n.env.Now()}
	ctx, w.cancel = n.env.WithCancel(ctx)
	w.timer = n.env.AfterFunc(limit, w.cancel)
	return protocol.WithProgress(ctx, w.note), w
}

func (w *progressWatch) note() {
	now := w.env.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer == nil {
		return
	}
	w.timer.Reset(w.limit)
	if w.notes++; w.notes > w.best {
		w.best, w.bestAt = w.notes, now
	}
}

// again begins another attempt at the same thing: only what goes beyond the earlier ones is progress of the whole.
func (w *progressWatch) again() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = 0
}

// since is how long no attempt has come further than those before it.
func (w *progressWatch) since() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return env.Since(w.env, w.bestAt)
}

// done ends the watch and the context.
func (w *progressWatch) done() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	w.cancel()
}
