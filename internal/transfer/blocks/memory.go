package blocks

import (
	"context"
	"sync"

	"github.com/p2pchord/p2pchord/internal/membudget"
)

// roundMemory is the memory of one race. It is enough for one block: when the budget has no more, a
// second peer that answers waits for the first. It is safe for concurrent use.
type roundMemory struct {
	reserved *membudget.Reservation

	mu      sync.Mutex
	waiting int                  // attempts that a peer has answered, and that have no memory
	stop    []context.CancelFunc // of those that have some
}

// take waits for memory for an attempt that stop ends.
func (m *roundMemory) take(ctx context.Context, size int, stop context.CancelFunc) (*membudget.Buffer, error) {
	m.mu.Lock()
	m.waiting++
	m.mu.Unlock()
	buf, err := m.reserved.Take(ctx, size)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting--
	if err == nil {
		m.stop = append(m.stop, stop)
	}
	return buf, err
}

// reclaim is called when nothing moves. It ends the attempts that have memory, if others wait for
// it.
func (m *roundMemory) reclaim() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.waiting == 0 {
		return
	}
	for _, stop := range m.stop {
		stop()
	}
	m.stop = nil
}
