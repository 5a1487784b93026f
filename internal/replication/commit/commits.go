package commit

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/replication/arc"
	"github.com/p2pchord/p2pchord/internal/replication/inventory"
	"github.com/p2pchord/p2pchord/internal/replication/retractions"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// Config is what Commits is made of. Every field must be set.
type Config struct {
	Self    ring.Position
	ID      peer.ID       // of Self
	Timeout time.Duration // of one step of an operation

	Env       env.Env
	Arc       *arc.Arc
	Held      *inventory.Inventory
	Retracted *retractions.Retractions
	Ring      Ring
	Router    Router
	Store     Store
	Call      inventory.Call

	// WakeRepair asks for a round of repair soon.
	WakeRepair func()
}

// Ring is the ring's state; see replication.Ring.
type Ring interface {
	Snapshot() *chord.Snapshot
}

// Router finds the owners of keys; see replication.Router.
type Router interface {
	Locate(ctx context.Context, key ring.Key) (protocol.Owner, error)
}

// Store keeps records; see package store.
type Store interface {
	Entries(at store.Place) ([]store.Entry, error)
}

// Commits are the files whose records are being committed. It is safe for concurrent use.
type Commits struct {
	cfg Config

	mu    sync.Mutex
	names map[string]int
}

// New returns Commits without any file.
func New(cfg Config) *Commits { return &Commits{cfg: cfg, names: make(map[string]int)} }

func (c *Commits) begin(name string) (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names[name]++
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.names[name]--; c.names[name] == 0 {
			delete(c.names, name)
		}
	})
}

// InProgress reports whether a version of a file is being committed. While one is, no peer is told
// that no version of the file uses a block.
func (c *Commits) InProgress(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.names[name] > 0
}
