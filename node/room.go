package node

import (
	"context"
	"sync"

	"github.com/p2pchord/p2pchord/internal/membudget"
)

// room is the memory of one race. It is enough for one block; when there is no more, a second peer that
// answers waits for the first. It is safe for concurrent use.
type room struct {
	memory *membudget.Reservation

	mu      sync.Mutex
	waiting int                  // attempts that a peer has answered, and that have no memory
	stop    []context.CancelFunc // of those that have some
}

// take waits for memory for an attempt that stop ends.
func (r *room) take(ctx context.Context, size int, stop context.CancelFunc) (*membudget.Buffer, error) {
	r.mu.Lock()
	r.waiting++
	r.mu.Unlock()
	buf, err := r.memory.Take(ctx, size)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting--
	if err == nil {
		r.stop = append(r.stop, stop)
	}
	return buf, err
}

// stalled says that nothing moves: those that have memory give it up if others wait for it.
func (r *room) stalled() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting == 0 {
		return
	}
	for _, stop := range r.stop {
		stop()
	}
	r.stop = nil
}
