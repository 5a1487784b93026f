package replication

import (
	"maps"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/ring"
)

// missed remembers the holders that have lately not answered a claim. It is safe for concurrent use.
type claimTimeouts struct {
	mu   sync.Mutex
	when map[ring.Position]time.Time
}

// note takes in how a claim at p went.
func (m *claimTimeouts) note(p ring.Position, answered bool, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if answered {
		delete(m.when, p)
		return
	}
	if m.when == nil {
		m.when = make(map[ring.Position]time.Time)
	}
	if len(m.when) >= maxClaimTimeouts {
		maps.DeleteFunc(m.when, func(_ ring.Position, at time.Time) bool { return now.Sub(at) > time.Minute })
	}
	if len(m.when) < maxClaimTimeouts {
		m.when[p] = now
	}
}

// maxMissed bounds the holders that are remembered; whoever is not costs some patience.
const maxClaimTimeouts = 256

func (m *claimTimeouts) within(p ring.Position, d time.Duration, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.when[p]
	return ok && now.Sub(at) < d
}

// claimPatience is how long a holder has to answer a claim: a heartbeat, less when it is most likely gone. Where the
// network drops what is sent to it, nothing tells so but time, and every attempt to sync would take that time again.
func (n *Node) claimPatience(p ring.Position) time.Duration {
	switch {
	case n.ring.Snapshot().View.Suspected(p):
		return n.cfg.Heartbeat / 10 // a living one on an open connection answers in that time
	case n.claimTimeouts.within(p, 10*n.cfg.Heartbeat, n.env.Now()) && !n.peers.Connected(peerID(p)):
		return n.cfg.Heartbeat / 3 // it did not answer before, and there is no connection to it
	default:
		return n.cfg.Heartbeat
	}
}
