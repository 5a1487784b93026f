package replication

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/p2pchord/p2pchord/internal/env"
)

const (
	// usersPresent is how long after the last bytes for a user repair keeps to its share.
	foregroundLasts = 500 * time.Millisecond
	// repairShare is the part of the time in which repair moves bytes while users do: one in so many.
	repairShare = 10
	// longestPause bounds a pause of repair, so that it goes on however slow a block was.
	longestPause = 5 * time.Second
)

// users tells when bytes have last moved for a user: what is put, and what is read.
type foreground struct {
	env  env.Env
	last atomic.Int64
	turn *env.Lock // of repair, while users are there
}

func (u *foreground) moved() { u.last.Store(u.env.Now().UnixNano()) }

func (u *foreground) present() bool {
	return env.Since(u.env, time.Unix(0, u.last.Load())) < foregroundLasts
}

// yield runs what repair has to move. While users move bytes too it does one thing at a
// time and pauses after it, so that at least nine tenths of the time are theirs. What fails has moved nothing to pause for.
func (u *foreground) yield(ctx context.Context, work func() error) error {
	if !u.present() {
		return work()
	}
	if err := u.turn.Acquire(ctx); err != nil {
		return err
	}
	defer u.turn.Release()
	began := u.env.Now()
	err := work()
	if err == nil && u.present() {
		_ = env.Sleep(ctx, u.env, min((repairShare-1)*env.Since(u.env, began), longestPause)) // an end of ctx shows in what follows
	}
	return err
}
