package orphans

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/replication/arc"
	"github.com/p2pchord/p2pchord/internal/replication/clocks"
	"github.com/p2pchord/p2pchord/internal/replication/inventory"
	"github.com/p2pchord/p2pchord/internal/replication/retractions"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// Config is what a Collector is made of. Every field must be set.
type Config struct {
	ID        peer.ID       // of this node
	Heartbeat time.Duration // the period of the ring's checks
	Timeout   time.Duration // of one step of an operation

	Env       env.Env
	Arc       *arc.Arc
	Clocks    *clocks.Clocks
	Retracted *retractions.Retractions
	Ring      Ring
	Router    Router
	Peers     Peers
	Store     Store
	Call      inventory.Call

	// Versions asks all holders of a file, of which owner is said to be the owner, for its
	// versions; see quorum.Reader.
	Versions func(ctx context.Context, owner peer.ID, name string) ([]*protocol.Record, error)
	// Drop removes one entry from the store.
	Drop func(ctx context.Context, e store.Entry)
}

// Ring is the ring's state; see replication.Ring.
type Ring interface {
	Snapshot() *chord.Snapshot
}

// Router finds the owners of keys; see replication.Router.
type Router interface {
	Locate(ctx context.Context, key ring.Key) (protocol.Owner, error)
}

// Peers knows who is who; see replication.Peers.
type Peers interface {
	Learn(d *pb.Peer) (protocol.PeerInfo, error)
	CheckMember(ctx context.Context, id peer.ID) error
}

// Store keeps records; see package store.
type Store interface {
	Entries(at store.Place) ([]store.Entry, error)
	Scan(span store.Span, after *store.Entry, fn func(store.Entry) bool) error
}

// Collector removes orphans. It is safe for concurrent use.
type Collector struct{ cfg Config }

// New returns a Collector that does nothing until it is asked.
func New(cfg Config) *Collector { return &Collector{cfg: cfg} }
