package fetch

import (
	"context"
	"time"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/replication/foreground"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// People set the level of these lines under the name of the package that they use.
var log = golog.Logger("node")

// Config is what a Fetcher is made of. Every field must be set.
type Config struct {
	Heartbeat time.Duration // the period of the ring's checks
	Timeout   time.Duration // of one step of an operation

	Env    env.Env
	Store  Store
	Blocks BlockFinder
	Memory *membudget.Budget
	Load   *foreground.Load

	Wakeup  *env.Wakeup                 // asks for missing bytes to be fetched soon
	Owns    func(key ring.Key) bool     // reports whether this node owns a key
	Fetched func(size int64, err error) // counts a block that was fetched, or failed to be
}

// Fetcher fetches the bytes of records that came without them. It is safe for concurrent use.
type Fetcher struct {
	cfg  Config
	left leftBehind
}

// New returns a Fetcher that does nothing until Run.
func New(cfg Config) *Fetcher { return &Fetcher{cfg: cfg} }

// BlockFinder gets blocks from whoever has them.
type BlockFinder interface {
	// FindBlock gets the bytes of a block for a copy: from near, from the owner of its place, or
	// from the owner's neighbors. memory is reserved for the block.
	FindBlock(ctx context.Context, at store.Place, hash store.Hash, size int, near []peer.ID, memory *membudget.Reservation) (*membudget.Buffer, error)
}

// Store keeps records and blocks; see package store.
type Store interface {
	StageKnown(ctx context.Context, data []byte, hash store.Hash, use store.Use) (store.Staged, error)
	Supply(ctx context.Context, with store.Staged) error
	Missing(limit int) ([]store.Entry, error)
	HasRoom(n int64) bool
	Err() error
}
