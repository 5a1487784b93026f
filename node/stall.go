package node

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// stallAfter is how long an operation may make no progress when each of its steps may take timeout: a connection, the way to an owner, and the
// owner's to its witness. The steps' own limits, whose errors say more, come first.
func stallAfter(timeout time.Duration) time.Duration { return 3 * timeout }

// stall ends a context under which no request makes progress for limit (see protocol.WithProgress). It bounds whatever is done there,
// whether that waits for a place, a lock, a connection, or an answer.
type stall struct {
	limit  time.Duration
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	timer  *time.Timer // nil once the watch has ended
	notes  int         // of progress in the present attempt
	best   int         // in any
	bestAt time.Time   // when there were most
}

// watchStall returns the context and its watch, whose done must be called.
func watchStall(ctx context.Context, limit time.Duration) (context.Context, *stall) {
	s := &stall{limit: limit, bestAt: time.Now()}
	ctx, s.cancel = context.WithCancelCause(ctx)
	s.timer = time.AfterFunc(limit, func() {
		s.cancel(fault.New(fault.TryAgain, "nothing moved for %s", limit.Round(time.Millisecond)))
	})
	return protocol.WithProgress(ctx, s.note), s
}

func (s *stall) note() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer == nil {
		return
	}
	s.timer.Reset(s.limit)
	if s.notes++; s.notes > s.best {
		s.best, s.bestAt = s.notes, time.Now()
	}
}

// again begins another attempt at the same thing: only what goes beyond the earlier ones is progress of the whole.
func (s *stall) again() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = 0
}

// pause stops the watch until restart, which begins it anew.
func (s *stall) pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer.Stop()
}

func (s *stall) restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer.Reset(s.limit)
	s.notes, s.best, s.bestAt = 0, 0, time.Now()
}

// since is how long no attempt has come further than those before it.
func (s *stall) since() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.bestAt)
}

// end stops the watch; the context goes on.
func (s *stall) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
}

// done ends the watch and the context.
func (s *stall) done() {
	s.end()
	s.cancel(nil)
}

// stalled makes an error of one that is due to the watch of inner, a context under outer. last is what was learned before.
func stalled(outer, inner context.Context, err, last error) error {
	if err == nil || inner.Err() == nil || outer.Err() != nil {
		return err
	}
	if last == nil {
		last = err
	}
	return fault.New(fault.TryAgain, "%w; try again: %w", context.Cause(inner), last)
}

// unlessStalled returns call with each request bounded by the watch until its answer is there. The bytes that follow have
// their own bound.
func unlessStalled(timeout time.Duration, call request.Caller) request.Caller {
	return func(ctx context.Context, to peer.ID, req *pb.FileRequest, body []byte) (*request.Reply, error) {
		inner, s := watchStall(ctx, stallAfter(timeout))
		r, err := call(inner, to, req, body)
		s.end()
		if err != nil {
			err = stalled(ctx, inner, err, nil)
			s.done()
			return r, err
		}
		closeReply := r.Close
		r.Close = func() {
			closeReply()
			s.done()
		}
		return r, nil
	}
}
