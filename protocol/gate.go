package protocol

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/semaphore"
)

// gate bounds what goes on at the same time, for each peer and in all. Those who
// come too many wait in order; one peer's queue doesn't delay another's.
type gate struct {
	perPeer int64
	total   *semaphore.Weighted

	mu    sync.Mutex
	peers map[peer.ID]*lane
}

type lane struct {
	places *semaphore.Weighted
	users  int // in it or waiting for it
}

func newGate(perPeer, total int) *gate {
	return &gate{
		perPeer: int64(perPeer),
		total:   semaphore.NewWeighted(int64(total)),
		peers:   make(map[peer.ID]*lane),
	}
}

// enter waits for a place for p, not longer than patience and until ctx ends. Every
// success is followed by one leave.
func (g *gate) enter(ctx context.Context, p peer.ID, patience time.Duration) error {
	g.mu.Lock()
	l := g.peers[p]
	if l == nil {
		l = &lane{places: semaphore.NewWeighted(g.perPeer)}
		g.peers[p] = l
	}
	l.users++
	g.mu.Unlock()

	if l.places.TryAcquire(1) {
		if g.total.TryAcquire(1) {
			return nil
		}
		l.places.Release(1)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := l.places.Acquire(ctx, 1); err != nil {
		g.drop(p, l)
		return err
	}
	if err := g.total.Acquire(ctx, 1); err != nil {
		l.places.Release(1)
		g.drop(p, l)
		return err
	}
	return nil
}

func (g *gate) leave(p peer.ID) {
	g.total.Release(1)
	g.mu.Lock()
	l := g.peers[p]
	g.mu.Unlock()
	l.places.Release(1)
	g.drop(p, l)
}

func (g *gate) drop(p peer.ID, l *lane) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(g.peers, p)
	}
}
