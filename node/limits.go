package node

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/p2pchord/p2pchord/protocol"
)

func limits(up, down int64) protocol.Limits {
	return protocol.Limits{Up: protocol.NewLimit(up), Down: protocol.NewLimit(down)}
}

const (
	// usersPresent is how long after the last bytes for a user repair keeps to its share.
	usersPresent = 500 * time.Millisecond
	// repairShare is the part of the time in which repair moves bytes while users do: one in so many.
	repairShare = 10
	// longestPause bounds a pause of repair, so that it goes on however slow a block was.
	longestPause = 5 * time.Second
)

// users tells when bytes have last moved for a user: what is put, and what is read.
type users struct {
	last atomic.Int64
	turn sync.Mutex // of repair, while users are there
}

func (u *users) moved() { u.last.Store(time.Now().UnixNano()) }

func (u *users) present() bool {
	return time.Since(time.Unix(0, u.last.Load())) < usersPresent
}

// yield runs what repair has to move. While users move bytes too it does one thing at a
// time and pauses after it, so that at least nine tenths of the time are theirs. What fails has moved nothing to pause for.
func (u *users) yield(ctx context.Context, work func() error) error {
	if !u.present() {
		return work()
	}
	u.turn.Lock()
	defer u.turn.Unlock()
	began := time.Now()
	err := work()
	if err == nil && u.present() {
		_ = sleep(ctx, min((repairShare-1)*time.Since(began), longestPause)) // an end of ctx shows in what follows
	}
	return err
}
