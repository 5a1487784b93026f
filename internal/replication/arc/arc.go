package arc

import (
	"time"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/replication/inventory"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// Config is what an Arc is made of. Every field must be set.
type Config struct {
	Self      ring.Position
	Copies    int           // of a file whose writer asks for no number
	Heartbeat time.Duration // the period of the ring's checks
	Timeout   time.Duration // of one step of an operation

	Env   env.Env
	Ring  Ring
	Peers Peers
	Call  inventory.Call

	// MostCopies is the greatest number of copies that a record here asks for; 0 for none.
	MostCopies func() int
}

// Ring is the ring's state and the way to change it; see replication.Ring.
type Ring interface {
	Snapshot() *chord.Snapshot
	Step(in ring.Input)
	Refused(g replica.Grant)
}

// Peers knows the descriptions of peers; see replication.Peers.
type Peers interface {
	Self() *pb.Peer
	Describe(ps []ring.Position) []*pb.Peer
}

// Arc is the arc of this node. It is safe for concurrent use.
type Arc struct{ cfg Config }

// New returns the arc of the node that cfg names.
func New(cfg Config) *Arc { return &Arc{cfg: cfg} }
