package node

import (
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/duration"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

const (
	// maxClocks bounds the peers whose clocks are remembered.
	maxClocks = 256
	// skewTolerated is by how much, in milliseconds, clocks may differ before a node says that it is not well. Versions
	// are refused at ten minutes.
	skewTolerated = 60_000
)

// clocks remembers what other members' clocks showed when they answered. It is safe for concurrent use.
type clocks struct {
	mu   sync.Mutex
	told map[peer.ID]toldClock
}

// toldClock is what a peer's clock and this node's showed at a moment, in milliseconds since 1970.
type toldClock struct {
	theirs, own int64
	at          time.Time // by the monotonic clock, which nobody sets
}

// note takes in the time that a peer has told with an answer; 0 is none.
func (c *clocks) note(id peer.ID, theirs uint64, own int64) {
	if theirs == 0 || theirs > replica.MaxClock>>16 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told == nil {
		c.told = make(map[peer.ID]toldClock)
	}
	if _, known := c.told[id]; !known && len(c.told) >= maxClocks {
		for other := range c.told { // any: those that count answer again within a heartbeat
			delete(c.told, other)
			break
		}
	}
	c.told[id] = toldClock{theirs: int64(theirs), own: own, at: time.Now()} //nolint:gosec // 47 bits
}

// now is what the peer's clock shows now; false when it has told nothing for as long as fresh. When this node's
// clock has been set since, or its machine has slept, nobody can tell how much time has passed: it
// is between what the two clocks of this machine say. The monotonic one says steady.
func (c *clocks) now(id peer.ID, own int64, fresh time.Duration) (shows replica.Clock, steady int64, ok bool) {
	c.mu.Lock()
	t, ok := c.told[id]
	c.mu.Unlock()
	since := time.Since(t.at)
	if !ok || since > fresh {
		return shows, 0, false
	}
	passed, set := since.Milliseconds(), own-t.own
	return replica.Clock{Early: t.theirs + min(passed, set), Late: t.theirs + max(passed, set)}, t.theirs + passed, true
}

// clock is the time by this machine's clock, in milliseconds since 1970.
func (n *Node) clock() int64 { return n.cfg.clock().UnixMilli() }

// told is the time by this machine's clock as answers tell it.
func (n *Node) told() uint64 { return uint64(max(n.clock(), 0)) } //nolint:gosec // not negative

// neighborClock is the clock of one neighbor.
type neighborClock struct {
	of     ring.Position
	shows  replica.Clock
	steady int64 // within it, by this machine's monotonic clock
}

// neighborClocks returns the clocks of the successors, predecessors and fingers that have told theirs lately.
func (n *Node) neighborClocks(own int64) (out []neighborClock) {
	s := n.state.Load()
	if s == nil {
		return nil
	}
	fresh := max(30*n.cfg.Heartbeat, 10*time.Second)
	for _, p := range s.View.Neighbors() {
		if shows, steady, ok := n.clocks.now(peerID(p), own, fresh); ok {
			out = append(out, neighborClock{p, shows, steady})
		}
	}
	return out
}

func shown(clocks []neighborClock) []replica.Clock {
	out := make([]replica.Clock, len(clocks))
	for i, c := range clocks {
		out[i] = c.shows
	}
	return out
}

// time is the present by the clocks of this node and its neighbors.
func (n *Node) time() replica.Time {
	own := n.clock()
	return replica.Agree(own, shown(n.neighborClocks(own)))
}

// now is the time in milliseconds since 1970: by this node's clock, unless most of its neighbors' clocks show another.
func (n *Node) now() int64 { return n.time().Nearest(n.clock()) }

// wrongClock says that this machine's clock differs from others', and what to do; empty when it doesn't.
func (n *Node) wrongClock() string {
	skew, others := n.clockSkew(skewTolerated)
	if skew.Undecided {
		return fmt.Sprintf("the clocks of this machine and of %s differ by %s: set the one that is wrong",
			n.peerWords(others[0].of), duration.Rough(inMillis(skew.Others[0])))
	}
	if skew.Own == 0 {
		return ""
	}
	return fmt.Sprintf("this machine's clock is %s %s those of most of the %d other peers that it knows: set it",
		duration.Rough(inMillis(skew.Own)), aheadOrBehind(skew.Own), len(others))
}

// peerWords names a peer for people: by its ring address, if it has one, and its ID.
func (n *Node) peerWords(p ring.Position) string {
	if info, ok := n.book.Info(p.ID); ok && !info.RingAddress.IsZero() {
		return fmt.Sprintf("%s (%s)", info.RingAddress, peerID(p))
	}
	return peerID(p).String()
}

func inMillis(millis int64) time.Duration { return time.Duration(millis) * time.Millisecond }

func aheadOrBehind(millis int64) string {
	if millis > 0 {
		return "ahead of"
	}
	return "behind"
}

// correction is by how much, in milliseconds, this node's clock is to be corrected before it writes. When the clock was set a
// moment ago the monotonic one counts: a version must not be ahead for that.
func (n *Node) correction() int64 {
	own := n.clock()
	var others []replica.Clock
	for _, c := range n.neighborClocks(own) {
		others = append(others, replica.Clock{Early: c.steady, Late: c.steady})
	}
	return replica.Agree(own, others).Nearest(own) - own
}

// clockSkew compares this node's clock with its neighbors'.
func (n *Node) clockSkew(tolerated int64) (replica.Skew, []neighborClock) {
	own := n.clock()
	others := n.neighborClocks(own)
	return replica.SkewOf(own, shown(others), tolerated), others
}
