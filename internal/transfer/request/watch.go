package request

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// stepsPerOperation is how many steps without progress an operation may take, each of which has the
// timeout for itself: connecting, finding the owner, and the owner's question to its witness. The
// limits of the steps come first, because their errors say more.
const stepsPerOperation = 3

// Watch ends a context when no request under it makes progress for some time (see
// protocol.WithProgress). It bounds whatever is done there, whether that waits for a place, a lock,
// a connection, or an answer. It is safe for concurrent use.
type Watch struct {
	limit  time.Duration
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	timer  *time.Timer // nil once the watch has ended
	notes  int         // of progress in the present attempt
	best   int         // the most notes of an attempt
	bestAt time.Time   // when best grew
}

// NewWatch returns a context under ctx and its watch, whose Close must be called.
func NewWatch(ctx context.Context, limit time.Duration) (context.Context, *Watch) {
	w := &Watch{limit: limit, bestAt: time.Now()}
	ctx, w.cancel = context.WithCancelCause(ctx)
	w.timer = time.AfterFunc(limit, func() {
		w.cancel(fault.New(fault.TryAgain, "nothing moved for %s", limit.Round(time.Millisecond)))
	})
	return protocol.WithProgress(ctx, w.note), w
}

func (w *Watch) note() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer == nil {
		return
	}
	w.timer.Reset(w.limit)
	if w.notes++; w.notes > w.best {
		w.best, w.bestAt = w.notes, time.Now()
	}
}

// Attempt begins another attempt at the same thing. Only what goes beyond the earlier attempts is
// progress of the whole.
func (w *Watch) Attempt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = 0
}

// pause stops the watch until restart, which begins it anew.
func (w *Watch) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
}

func (w *Watch) restart() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Reset(w.limit)
	w.notes, w.best, w.bestAt = 0, 0, time.Now()
}

// Idle returns how long no attempt has come further than those before it.
func (w *Watch) Idle() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.bestAt)
}

// end stops the watch and leaves the context alone.
func (w *Watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
}

// Close ends the watch and the context.
func (w *Watch) Close() {
	w.end()
	w.cancel(nil)
}

// stalled returns the error of what failed because the watch of inner, a context under outer, has
// ended it, and err itself otherwise. last is the failure of an earlier attempt.
func stalled(outer, inner context.Context, err, last error) error {
	if err == nil || inner.Err() == nil || outer.Err() != nil {
		return err
	}
	if last == nil {
		last = err
	}
	return fault.New(fault.TryAgain, "%w; try again: %w", context.Cause(inner), last)
}

// Bounded returns call with each request bounded by a watch until its answer is there. Reading the
// bytes of the answer has a bound of its own.
func Bounded(timeout time.Duration, call Caller) Caller {
	return func(ctx context.Context, to peer.ID, req *pb.FileRequest, body []byte) (*Reply, error) {
		inner, w := NewWatch(ctx, stepsPerOperation*timeout)
		r, err := call(inner, to, req, body)
		w.end()
		if err != nil {
			err = stalled(ctx, inner, err, nil)
			w.Close()
			return r, err
		}
		closeReply := r.Close
		r.Close = func() {
			closeReply()
			w.Close()
		}
		return r, nil
	}
}
