package protocol

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"golang.org/x/sync/semaphore"

	"github.com/p2pchord/p2pchord/protocol/internal/wire"
)

// target is where a stream leads.
type target struct {
	peer peer.ID
	id   protocol.ID
}

// pool keeps idle streams for the next requests and bounds how many are in use.
// Every successful take is followed by one give or one drop.
type pool struct {
	streams int64 // to one target at the same time
	idle    int   // of them kept
	timeout time.Duration

	ending sync.WaitGroup // of streams

	mu     sync.Mutex
	closed bool
	lines  map[target]*line
}

// discard ends a stream, by its Close or Reset, without waiting for that: with some multiplexers it
// takes until the connection is found dead, when nothing leaves there any more.
func (p *pool) discard(end func() error) {
	p.ending.Go(func() { _ = end() }) // the stream is of no more use
}

// line is the streams to one target.
type line struct {
	places *semaphore.Weighted
	users  int // in it or waiting for it
	idle   []idleWire
}

type idleWire struct {
	*wire.Wire
	since time.Time
}

func newPool(opts ClientOptions) *pool {
	return &pool{
		streams: int64(opts.StreamsPerPeer),
		idle:    opts.IdlePerPeer,
		timeout: opts.IdleTimeout,
		lines:   make(map[target]*line),
	}
}

// take waits for a place and returns an idle stream, or nil when a new one is to be opened. direct
// says that there is a direct connection, so that streams over a relay are no longer wanted.
func (p *pool) take(ctx context.Context, to target, direct bool) (*wire.Wire, error) {
	p.mu.Lock()
	l := p.lines[to]
	if l == nil {
		l = &line{places: semaphore.NewWeighted(p.streams)}
		p.lines[to] = l
	}
	l.users++
	p.mu.Unlock()

	if err := l.places.Acquire(ctx, 1); err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.leave(to, l)
		return nil, err
	}
	return p.pick(l, direct), nil
}

// pick takes the stream that was used last, and closes those that are of no use.
func (p *pool) pick(l *line, direct bool) *wire.Wire {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(l.idle) > 0 {
		w := l.idle[len(l.idle)-1].Wire
		l.idle = l.idle[:len(l.idle)-1]
		if !w.Conn().IsClosed() && (!direct || !relayed(w.Conn())) {
			return w
		}
		p.discard(w.Close)
	}
	return nil
}

// give returns a stream on which nothing is under way, to be used again.
func (p *pool) give(to target, w *wire.Wire) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lines[to]
	l.places.Release(1)
	if p.closed || len(l.idle) >= p.idle {
		p.discard(w.Close)
	} else {
		l.idle = append(l.idle, idleWire{Wire: w, since: time.Now()})
	}
	p.leave(to, l)
}

// drop gives the place back without a stream.
func (p *pool) drop(to target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lines[to]
	l.places.Release(1)
	p.leave(to, l)
}

// leave counts a user out and forgets a line that holds nothing.
func (p *pool) leave(to target, l *line) {
	if l.users--; l.users == 0 && len(l.idle) == 0 {
		delete(p.lines, to)
	}
}

// sweep closes the streams that have been idle for too long at now.
func (p *pool) sweep(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for to, l := range p.lines {
		for len(l.idle) > 0 && now.Sub(l.idle[0].since) >= p.timeout {
			p.discard(l.idle[0].Close)
			l.idle = l.idle[1:]
		}
		if l.users == 0 && len(l.idle) == 0 {
			delete(p.lines, to)
		}
	}
}

// close closes all idle streams, and from here on those that are given back.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.sweep(time.Now().Add(p.timeout))
	p.ending.Wait()
}

func relayed(c network.Conn) bool { return c.Stat().Limited }
