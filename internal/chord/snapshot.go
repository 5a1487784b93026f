package chord

import (
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// Snapshot is what handlers and operations see of the ring and of the arc: an immutable whole.
type Snapshot struct {
	View   *ring.View
	Grants replica.Grants
	// Leaving says that files are being handed over: nothing is acknowledged as owner.
	Leaving bool
	// Departing says that they have been: nothing is accepted as witness either.
	Departing bool
	// Standby says that the store has failed: the node is no member until it works again.
	Standby bool
	// Next fires when there is a newer snapshot.
	Next env.Signal
}

// same reports whether both show the same state.
func (s *Snapshot) same(o *Snapshot) bool {
	a, b := s.Grants, o.Grants
	return s.View == o.View && s.Leaving == o.Leaving && s.Departing == o.Departing && s.Standby == o.Standby &&
		a.Grant == b.Grant && a.Synced == b.Synced && a.Granted == b.Granted && a.Why == b.Why && a.Degraded == b.Degraded
}
