package quorum

import (
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Conflict is a contradiction between two members about a file: one of them is wrong, or lies.
type Conflict struct {
	Name         string
	Owner, Other peer.ID
	Reason       string
}

func (c *Conflict) Error() string {
	return fmt.Sprintf("%s, which answers as the owner of %q, and %s, another holder, don't confirm each other: %s", c.Owner, c.Name, c.Other, c.Reason)
}

// Conflicts counts the contradictions that a peer has seen. It is safe for concurrent use. A nil
// Conflicts counts nothing.
type Conflicts struct {
	now func() time.Time

	mu   sync.Mutex
	seen []time.Time // the last ones, at most maxConflicts
	last Conflict
}

// maxConflicts bounds the conflicts that are counted.
const maxConflicts = 1024

// NewConflicts returns a count by the clock now.
func NewConflicts(now func() time.Time) *Conflicts { return &Conflicts{now: now} }

// Note counts a conflict.
func (c *Conflicts) Note(one *Conflict) {
	if c == nil {
		return
	}
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.seen) == maxConflicts {
		c.seen = c.seen[1:]
	}
	c.seen, c.last = append(c.seen, now), *one
}

// Seen returns how many there were within the last d, and the last of all.
func (c *Conflicts) Seen(d time.Duration) (count int, last Conflict) {
	since := c.now().Add(-d)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, at := range c.seen {
		if at.After(since) {
			count++
		}
	}
	return count, c.last
}
