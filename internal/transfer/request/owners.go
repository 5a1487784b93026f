package request

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/pause"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// Router finds the owners of keys.
type Router interface {
	// Guess names the likeliest owner without asking anybody. It returns false when it can't.
	Guess(key ring.Key) (peer.ID, bool)
	// Locate asks the ring.
	Locate(ctx context.Context, key ring.Key) (protocol.Owner, error)
}

// Owners carries out requests at the owners of keys, and repeats what may be repeated.
type Owners struct {
	Router Router
	// Learn verifies the description of a peer that an answer holds, and remembers it.
	Learn func(*pb.Peer) (protocol.PeerInfo, error)
	// Timeout is how long an operation goes on without progress.
	Timeout time.Duration
}

// The pause between two attempts doubles from MinPause to MaxPause, with jitter.
const (
	MinPause = 20 * time.Millisecond
	MaxPause = time.Second
)

// maxRedirects bounds how often in a row another peer's word is followed as to who the owner is.
const maxRedirects = 8

// At calls fn with the owner of key until it succeeds, or fails in a way that asking again doesn't
// mend, or the timeout has passed without progress. If a peer says that another one is the owner,
// that one is asked next: it checks by itself whether it is.
func (o Owners) At(outer context.Context, key ring.Key, fn func(context.Context, peer.ID) error) error {
	ctx, watch := NewWatch(outer, stepsPerOperation*o.Timeout)
	defer watch.Close()
	began := time.Now()
	wait := BeginWait(ctx)
	defer wait.End()
	turn, cutOffs := turnOf(ctx), 0
	defer turn.end()
	backoff, redirects := MinPause, 0
	to, known := o.Router.Guess(key)
	var last error
	for {
		var err error
		watch.Attempt()
		if !known {
			var owner protocol.Owner
			if owner, err = o.Router.Locate(ctx, key); err == nil {
				to = owner.ID
			}
		}
		if err == nil {
			wait.asks(to)
			err = fn(ctx, to)
			wait.asks("")
		}
		if err != nil && ctx.Err() != nil && outer.Err() == nil {
			return stalled(outer, ctx, err, last)
		}
		if err == nil || outer.Err() != nil || !Retryable(err) {
			return Explain(outer, err, last)
		}
		last, known = err, false
		wait.failed(began, err)
		if better, ok := o.redirect(err, to); ok && redirects < maxRedirects {
			to, known = better, true
			redirects++
			continue
		}
		redirects = 0
		if errors.Is(err, protocol.ErrCutOff) && cutOffs < maxCutOffs {
			cutOffs++
			watch.pause() // those who have their turn are bounded themselves
			if terr := turn.take(outer); terr != nil {
				return Explain(outer, terr, last)
			}
			watch.restart()
		}
		if watch.Idle() > o.Timeout {
			return Explain(outer, err, nil)
		}
		if err := pause.For(outer, withJitter(backoff)); err != nil {
			return Explain(outer, err, last)
		}
		backoff = min(2*backoff, MaxPause)
	}
}

// redirect returns the peer that err, the answer of the peer asked, names as the owner.
func (o Owners) redirect(err error, asked peer.ID) (peer.ID, bool) {
	var e *protocol.Elsewhere
	if !errors.As(err, &e) || e.Better == nil {
		return "", false
	}
	info, lerr := o.Learn(e.Better)
	return info.ID, lerr == nil && info.ID != asked
}

// Retry calls fn until it succeeds or fails for good, or no attempt has come further for the
// timeout.
func (o Owners) Retry(outer context.Context, fn func(context.Context) error) error {
	ctx, watch := NewWatch(outer, stepsPerOperation*o.Timeout)
	defer watch.Close()
	var last error
	for backoff := MinPause; ; backoff = min(2*backoff, MaxPause) {
		watch.Attempt()
		err := fn(ctx)
		if err != nil && ctx.Err() != nil && outer.Err() == nil {
			return stalled(outer, ctx, err, last)
		}
		if err == nil || outer.Err() != nil || !Retryable(err) || watch.Idle() > o.Timeout {
			return Explain(outer, err, nil)
		}
		last = err
		if perr := pause.For(outer, withJitter(backoff)); perr != nil {
			return Explain(outer, perr, err)
		}
	}
}

func withJitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d) //nolint:gosec // jitter
}
