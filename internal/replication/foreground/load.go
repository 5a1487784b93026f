package foreground

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/p2pchord/p2pchord/internal/env"
)

const (
	// lasts is how long after the last bytes for a user repair keeps to its share.
	lasts = 500 * time.Millisecond
	// repairShare is the part of the time in which repair moves bytes while users do: one in so
	// many.
	repairShare = 10
	// longestPause bounds a pause of repair, so that it goes on however slow a block was.
	longestPause = 5 * time.Second
)

// Load knows when bytes have last moved for a user: in puts and gets. It is safe for
// concurrent use.
type Load struct {
	env  env.Env
	last atomic.Int64
	turn *env.Lock // of repair, while users are there
}

// New returns a Load at a moment when no bytes move.
func New(e env.Env) *Load { return &Load{env: e, turn: env.NewLock(e)} }

// Moved says that bytes move for a user just now.
func (l *Load) Moved() { l.last.Store(l.env.Now().UnixNano()) }

func (l *Load) present() bool {
	return env.Since(l.env, time.Unix(0, l.last.Load())) < lasts
}

// Yield runs work of repair. While bytes move for users, repair does one thing at a time and pauses
// after it, so that at least nine tenths of the time are for users. Work that fails has moved
// nothing, and needs no pause.
func (l *Load) Yield(ctx context.Context, work func() error) error {
	if !l.present() {
		return work()
	}
	if err := l.turn.Acquire(ctx); err != nil {
		return err
	}
	defer l.turn.Release()
	began := l.env.Now()
	err := work()
	if err == nil && l.present() {
		// An end of ctx shows in what follows.
		_ = env.Sleep(ctx, l.env, min((repairShare-1)*env.Since(l.env, began), longestPause))
	}
	return err
}
