package clocks

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/replica"
)

// maxClocks bounds the peers whose clocks are remembered.
const maxClocks = 256

// reports remembers the times that other members have reported with their answers. It is safe for
// concurrent use.
type reports struct {
	mu       sync.Mutex
	reported map[peer.ID]reportedClock
}

// reportedClock is what a peer's clock and this node's showed at a moment, in milliseconds since
// 1970.
type reportedClock struct {
	theirs, own int64
	at          time.Time // by the monotonic clock, which nobody sets
}

// note records the time that a peer has reported; 0 is none.
func (r *reports) note(id peer.ID, theirs uint64, own int64, at time.Time) {
	if theirs == 0 || theirs > replica.MaxClock>>16 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reported == nil {
		r.reported = make(map[peer.ID]reportedClock)
	}
	if _, known := r.reported[id]; !known && len(r.reported) >= maxClocks {
		for other := range r.reported { // any: those that count answer again within a heartbeat
			delete(r.reported, other)
			break
		}
	}
	r.reported[id] = reportedClock{theirs: int64(theirs), own: own, at: at} //nolint:gosec // 47 bits
}

// now is what the peer's clock shows now; false if it has reported nothing for as long as fresh. If
// this node's clock has been set since, or its machine has slept, the time that has passed is
// uncertain: between what the two clocks of this machine say. steady is the time by the monotonic
// one.
func (r *reports) now(id peer.ID, own int64, at time.Time, fresh time.Duration) (shows replica.Clock, steady int64, ok bool) {
	r.mu.Lock()
	t, ok := r.reported[id]
	r.mu.Unlock()
	since := at.Sub(t.at)
	if !ok || since > fresh {
		return shows, 0, false
	}
	passed, set := since.Milliseconds(), own-t.own
	return replica.Clock{Early: t.theirs + min(passed, set), Late: t.theirs + max(passed, set)}, t.theirs + passed, true
}
