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

// clocks remembers the times that other members have reported with their answers. It is safe for
// concurrent use.
type clocks struct {
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
func (c *clocks) note(id peer.ID, theirs uint64, own int64, at time.Time) {
	if theirs == 0 || theirs > replica.MaxClock>>16 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reported == nil {
		c.reported = make(map[peer.ID]reportedClock)
	}
	if _, known := c.reported[id]; !known && len(c.reported) >= maxClocks {
		for other := range c.reported { // any: those that count answer again within a heartbeat
			delete(c.reported, other)
			break
		}
	}
	c.reported[id] = reportedClock{theirs: int64(theirs), own: own, at: at} //nolint:gosec // 47 bits
}

// now is what the peer's clock shows now; false if it has reported nothing for as long as fresh. If
// this node's clock has been set since, or its machine has slept, the time that has passed is
// uncertain: between what the two clocks of this machine say. steady is the time by the monotonic
// one.
func (c *clocks) now(id peer.ID, own int64, at time.Time, fresh time.Duration) (shows replica.Clock, steady int64, ok bool) {
	c.mu.Lock()
	t, ok := c.reported[id]
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

// TimeMillis is the time by this machine's clock, as answers report it.
func (n *Node) TimeMillis() uint64 { return uint64(max(n.clock(), 0)) } //nolint:gosec // not negative

// NoteClock records the time that a peer has reported with an answer; 0 is none.
func (n *Node) NoteClock(id peer.ID, millis uint64) {
	n.clocks.note(id, millis, n.clock(), n.env.Now())
}

// NeighborClock is the clock of one neighbor.
type NeighborClock struct {
	Of     ring.Position
	Shows  replica.Clock
	steady int64 // within it, by this machine's monotonic clock
}

// neighborClocks returns the clocks of the successors, predecessors, and fingers that have reported
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
// writes. It uses the monotonic clock: when the clock was set a moment ago, a version must not be
// ahead because of that.
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

// checkDate refuses a new version whose clock is too far ahead or behind. current are the versions
// before it. The present is what most clocks around this node say: a node whose own clock is wrong
// does not decide for the ring.
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

// checkBlockDate refuses a later block whose clock is too far ahead: it would never count as an
// orphan.
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
