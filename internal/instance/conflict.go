package instance

import (
	"fmt"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// shownFor is how long Problem tells of another process after it was last proved.
const shownFor = 10 * time.Minute

// Conflict is what a process knows of others with its identity, and what that means for it. It is
// safe for concurrent use.
type Conflict struct {
	identityFile string

	mu      sync.Mutex
	other   Other
	seen    time.Time
	failure error         // why this process has to end; nil while it may go on
	failed  chan struct{} // closed when failure is set
}

// NewConflict returns a Conflict without other processes. Its messages name the file of the
// identity in a data folder.
func NewConflict(identityFile string) *Conflict {
	return &Conflict{identityFile: identityFile, failed: make(chan struct{})}
}

// Note remembers another process than self with its identity. It returns what to tell people, or an
// empty string when that process is known already. When the other one outranks self, this process
// has to end.
func (c *Conflict) Note(other Other, self *pb.Instance) (text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	isNew := c.seen.IsZero() || c.other.Instance.GetNonce() != other.Instance.GetNonce()
	c.other, c.seen = other, time.Now()
	outranked := Outranks(other.Instance, self)
	err := fault.New(fault.NotAllowed, "another process runs with this node's identity%s: a data folder must not run twice; stop the other process, or delete %s in one of the two data folders to make it a node of its own",
		at(other), c.identityFile)
	if outranked && c.failure == nil {
		c.failure = err
		close(c.failed)
	}
	switch {
	case !isNew:
		return ""
	case outranked:
		return err.Error()
	default:
		return c.problem()
	}
}

// Failed is closed when this process has to end; Err then says why.
func (c *Conflict) Failed() <-chan struct{} { return c.failed }

// Err is why this process has to end; nil while it may go on.
func (c *Conflict) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure
}

// Problem tells people of another process that was proved lately; it is empty without one.
func (c *Conflict) Problem() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen.IsZero() || time.Since(c.seen) > shownFor {
		return ""
	}
	return c.problem()
}

func (c *Conflict) problem() string {
	return fmt.Sprintf("another process ran with this node's identity%s, started %s by its clock: a data folder was copied; stop that process, and delete %s in its data folder to make it a node of its own",
		at(c.other), startedAt(c.other), c.identityFile)
}

func at(o Other) string {
	if o.Address == "" {
		return ""
	}
	return " at " + o.Address
}

func startedAt(o Other) string {
	return time.UnixMilli(int64(o.Instance.GetStarted())).UTC().Format(time.RFC3339) //nolint:gosec // shown only
}
