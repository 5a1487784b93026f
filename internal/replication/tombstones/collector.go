package tombstones

import (
	"context"
	"encoding/hex"
	"maps"
	"sync"
	"time"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/replication/arc"
	"github.com/p2pchord/p2pchord/internal/replication/clocks"
	"github.com/p2pchord/p2pchord/internal/replication/inventory"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/store"
)

// People set the level of these lines under the name of the package that they use.
var log = golog.Logger("node")

// Config is what a Collector is made of. Every field must be set.
type Config struct {
	Heartbeat time.Duration // the period of the ring's checks
	Grace     time.Duration // how long tombstones are kept; see replica.Grace

	Arc    *arc.Arc
	Clocks *clocks.Clocks
	Ring   Ring
	Peers  Peers
	Store  Store
	Folder Folder
	Call   inventory.Call

	// Unbroken is since when the ring has not stopped for longer than the grace period, in
	// milliseconds since 1970; 0 if it isn't known.
	Unbroken func() int64
	// Drop removes one entry from the store.
	Drop func(ctx context.Context, e store.Entry)
}

// Ring is the ring's state; see replication.Ring.
type Ring interface {
	Snapshot() *chord.Snapshot
}

// Peers knows who is a member of the ring; see replication.Peers.
type Peers interface {
	CheckMember(ctx context.Context, id peer.ID) error
}

// Store keeps records; see package store.
type Store interface {
	Update(ctx context.Context, at store.Place, fn func([]store.Entry) ([]store.Entry, error), with ...store.Staged) ([]store.Entry, error)
	Scan(span store.Span, after *store.Entry, fn func(store.Entry) bool) error
}

// Folder keeps what the next life must know; see replication.Folder.
type Folder interface {
	LoadCollection() (map[string]int64, error)
	SaveCollection(full map[string]int64) error
}

// Collector removes tombstones. It knows since when, in milliseconds since 1970, all holders have
// those of the arc. A new owner starts over. It is safe for concurrent use.
type Collector struct {
	cfg Config

	mu      sync.Mutex
	full    map[string]int64
	changed bool
}

// New returns a Collector that knows nothing until Load.
func New(cfg Config) *Collector { return &Collector{cfg: cfg} }

func (c *Collector) grace() replica.Grace { return replica.Grace(c.cfg.Grace.Milliseconds()) }

// Period is how often an owner looks at its tombstones.
func (c *Collector) Period() time.Duration {
	return max(2*c.cfg.Heartbeat, min(time.Hour, c.cfg.Grace/200))
}

// tombstoneID identifies a tombstone.
func tombstoneID(e store.Entry) string {
	sum := blake3sum.Sum([]byte(e.Name + "\x00" + e.Stamp))
	return hex.EncodeToString(sum[:16])
}

// Load reads what an earlier life has saved. If it can't be read, the node starts over.
func (c *Collector) Load() {
	full, err := c.cfg.Folder.LoadCollection()
	if err != nil {
		log.Warnw("reading how old deletes are", "err", err)
	}
	if full == nil {
		full = make(map[string]int64)
	}
	c.full = full
}

// save saves it if it has changed.
func (c *Collector) save() {
	full, changed := c.take()
	if !changed {
		return
	}
	if err := c.cfg.Folder.SaveCollection(full); err != nil {
		log.Warnw("writing down how old deletes are", "err", err)
		c.unsaved()
	}
}

// take returns what has to be saved, if it has changed since the last time.
func (c *Collector) take() (full map[string]int64, changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed, c.changed = c.changed, false
	return maps.Clone(c.full), changed
}

// unsaved says that saving has failed.
func (c *Collector) unsaved() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed = true
}

// startOver has the grace period of a tombstone begin again if a stray brings it back. The stray is
// given up only while all holders have the tombstone.
func (c *Collector) startOver(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.full, id)
	c.changed = true
}
