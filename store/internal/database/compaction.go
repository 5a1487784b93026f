package database

import (
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// compactions lets the database compact, as many at a time as it allows itself, until the store has
// failed: a compaction that fails because of what it reads would be tried again and again without a
// pause.
type compactions struct {
	failed <-chan struct{}

	mu       sync.Mutex
	idle     *sync.Cond // of granting
	db       pebble.DBForCompaction
	running  int
	granting bool // the database is being asked, without the lock
	closed   bool
}

var _ pebble.CompactionScheduler = (*compactions)(nil)

func newCompactions(failed <-chan struct{}) *compactions {
	c := &compactions{failed: failed}
	c.idle = sync.NewCond(&c.mu)
	return c
}

// Register implements pebble.CompactionScheduler.
func (c *compactions) Register(_ int, db pebble.DBForCompaction) { c.db = db }

// Unregister implements pebble.CompactionScheduler.
func (c *compactions) Unregister() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for c.granting {
		c.idle.Wait()
	}
}

// UpdateGetAllowedWithoutPermission implements pebble.CompactionScheduler: the number allowed
// doesn't change.
func (c *compactions) UpdateGetAllowedWithoutPermission() {}

// TrySchedule implements pebble.CompactionScheduler.
func (c *compactions) TrySchedule() (bool, pebble.CompactionGrantHandle) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.may() {
		return false, nil
	}
	c.running++
	return true, c
}

// may reports whether one more may begin.
func (c *compactions) may() bool {
	select {
	case <-c.failed:
		return false
	default:
		return !c.closed && c.running < c.db.GetAllowedWithoutPermission()
	}
}

// Started implements pebble.CompactionGrantHandle.
func (c *compactions) Started() {}

// MeasureCPU implements pebble.CompactionGrantHandle.
func (c *compactions) MeasureCPU(pebble.CompactionGoroutineKind) {}

// CumulativeStats implements pebble.CompactionGrantHandle.
func (c *compactions) CumulativeStats(pebble.CompactionGrantHandleStats) {}

// Done implements pebble.CompactionGrantHandle: one has ended, and what waits may begin. The
// database must be asked without the lock, by one goroutine at a time.
func (c *compactions) Done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
	for c.granting {
		c.idle.Wait()
	}
	for c.may() {
		c.running++
		c.granting = true
		c.mu.Unlock()
		waiting, _ := c.db.GetWaitingCompaction()
		accepted := waiting && c.db.Schedule(c)
		c.mu.Lock()
		c.granting = false
		c.idle.Broadcast()
		if !accepted {
			c.running--
			return
		}
	}
}
