package replication

import (
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/duration"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// maxClocks bounds the peers whose clocks are remembered.
const maxClocks = 256

// clocks remembers what other members' clocks showed when they answered. It is safe for concurrent
// use.
type clocks struct {
	mu   sync.Mutex
	told map[peer.ID]reportedClock
}

// reportedClock is what a peer's clock and this node's showed at a moment, in milliseconds since
// 1970.
type reportedClock struct {
	theirs, own int64
	at          time.Time // by the monotonic clock, which nobody sets
}

// note takes in the time that a peer has told with an answer; 0 is none.
func (c *clocks) note(id peer.ID, theirs uint64, own int64, at time.Time) {
	if theirs == 0 || theirs > replica.MaxClock>>16 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told == nil {
		c.told = make(map[peer.ID]reportedClock)
	}
	if _, known := c.told[id]; !known && len(c.told) >= maxClocks {
		for other := range c.told { // any: those that count answer again within a heartbeat
			delete(c.told, other)
			break
		}
	}
	c.told[id] = reportedClock{theirs: int64(theirs), own: own, at: at} //nolint:gosec // 47 bits
}

// now is what the peer's clock shows now; false when it has told nothing for as long as fresh. When
// this node's clock has been set since, or its machine has slept, nobody can tell how much time has
// passed: it is between what the two clocks of this machine say. The monotonic one says steady.
func (c *clocks) now(id peer.ID, own int64, at time.Time, fresh time.Duration) (shows replica.Clock, steady int64, ok bool) {
	c.mu.Lock()
	t, ok := c.told[id]
	c.mu.Unlock()
	since := at.Sub(t.at)
	if !ok || since > fresh {
		return shows, 0, false
	}
	passed, set := since.Milliseconds(), own-t.own
	return replica.Clock{Early: t.theirs + min(passed, set), Late: t.theirs + max(passed, set)}, t.theirs + passed, true
}

// clock is the time by this machine's clock, in milliseconds since 1970.
func (n *Node) clock() int64 { return n.cfg.Clock().UnixMilli() }

// TimeMillis is the time by this machine's clock as answers tell it.
func (n *Node) TimeMillis() uint64 { return uint64(max(n.clock(), 0)) } //nolint:gosec // not negative

// NoteClock takes in the time that a peer has told with an answer; 0 is none.
func (n *Node) NoteClock(id peer.ID, millis uint64) {
	n.clocks.note(id, millis, n.clock(), n.env.Now())
}

// NeighborClock is the clock of one neighbor.
type NeighborClock struct {
	Of     ring.Position
	Shows  replica.Clock
	steady int64 // within it, by this machine's monotonic clock
}

// neighborClocks returns the clocks of the successors, predecessors and fingers that have told
// theirs lately.
func (n *Node) neighborClocks(own int64) (out []NeighborClock) {
	s := n.ring.Snapshot()
	if s == nil {
		return nil
	}
	fresh := max(30*n.cfg.Heartbeat, 10*time.Second)
	for _, p := range s.View.Neighbors() {
		if shows, steady, ok := n.clocks.now(peerID(p), own, n.env.Now(), fresh); ok {
			out = append(out, NeighborClock{p, shows, steady})
		}
	}
	return out
}

func shown(clocks []NeighborClock) []replica.Clock {
	out := make([]replica.Clock, len(clocks))
	for i, c := range clocks {
		out[i] = c.Shows
	}
	return out
}

// time is the present by the clocks of this node and its neighbors.
func (n *Node) time() replica.Time {
	own := n.clock()
	return replica.Agree(own, shown(n.neighborClocks(own)))
}

// now is the time in milliseconds since 1970: by this node's clock, unless most of its neighbors'
// clocks show another.
func (n *Node) now() int64 { return n.time().Nearest(n.clock()) }

// Correction is by how much, in milliseconds, this node's clock is to be corrected before it
// writes. When the clock was set a moment ago the monotonic one counts: a version must not be ahead
// for that.
func (n *Node) Correction() int64 {
	own := n.clock()
	var others []replica.Clock
	for _, c := range n.neighborClocks(own) {
		others = append(others, replica.Clock{Early: c.steady, Late: c.steady})
	}
	return replica.Agree(own, others).Nearest(own) - own
}

// ClockSkew compares this node's clock with its neighbors', which it returns too.
func (n *Node) ClockSkew(tolerated int64) (replica.Skew, []NeighborClock) {
	own := n.clock()
	others := n.neighborClocks(own)
	return replica.SkewOf(own, shown(others), tolerated), others
}

// checkDate refuses a new version whose clock is too far ahead, or too far behind, where current
// are the standing ones. The present is what most clocks around this node say: a node whose own
// clock is wrong doesn't decide for the ring.
func (n *Node) checkDate(current []replica.Record, rec *protocol.Record) error {
	now := n.time()
	switch n.grace().Judge(current, protocol.Lineage(rec.RecordBody), now) {
	case replica.Ahead:
		return n.ahead(rec, now)
	case replica.Old:
		by := time.Duration(now.Early-protocol.Lineage(rec.RecordBody).Version.Millis()) * time.Millisecond
		return fault.New(fault.NotAllowed, "%s, so whether %q has been deleted since may be forgotten; set the clock right and put the file again",
			n.differs(rec, by, "behind"), rec.GetName())
	case replica.Timely:
	}
	return nil
}

// checkBlockDate refuses a later block whose clock is too far ahead: it would never count as left
// behind.
func (n *Node) checkBlockDate(rec *protocol.Record) error {
	now := n.time()
	if replica.TooFarAhead(protocol.Lineage(rec.RecordBody).Version, now.Late) {
		return n.ahead(rec, now)
	}
	return nil
}

func (n *Node) ahead(rec *protocol.Record, now replica.Time) error {
	by := time.Duration(protocol.Lineage(rec.RecordBody).Version.Millis()-now.Late) * time.Millisecond
	return fault.New(fault.NotAllowed, "%s; set the clock right and put the file again", n.differs(rec, by, "ahead"))
}

// differs says whose clock differs from whose.
func (n *Node) differs(rec *protocol.Record, by time.Duration, way string) string {
	compared := len(n.neighborClocks(n.clock()))
	if compared < 2 {
		return fmt.Sprintf("the clocks of %s, which wrote this, and of %s, which is to store it, differ: the first is %s %s", rec.By, n.id, duration.Rough(by), way)
	}
	return fmt.Sprintf("the clock of %s, which wrote this, is %s %s of most of the %d that were compared", rec.By, duration.Rough(by), way, compared+1)
}
