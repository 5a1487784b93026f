package clocks

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// Config is what Clocks is made of.
type Config struct {
	ID        peer.ID // of this node
	Env       env.Env
	Clock     func() time.Time // of this machine
	Heartbeat time.Duration    // the period of the ring's checks
	Grace     replica.Grace    // of tombstones
	// Neighbors are the successors, predecessors, and fingers; none before there is a ring.
	Neighbors func() []ring.Position
}

// Clocks tells the present by the clocks of this node and its neighbors. It is safe for concurrent
// use.
type Clocks struct {
	cfg     Config
	reports reports
}

// New returns Clocks to which no other has reported yet.
func New(cfg Config) *Clocks { return &Clocks{cfg: cfg} }

// own is the time by this machine's clock, in milliseconds since 1970.
func (c *Clocks) own() int64 { return c.cfg.Clock().UnixMilli() }

// Millis is the time by this machine's clock, as answers report it.
func (c *Clocks) Millis() uint64 { return uint64(max(c.own(), 0)) } //nolint:gosec // not negative

// Note records the time that a peer has reported with an answer; 0 is none.
func (c *Clocks) Note(id peer.ID, millis uint64) {
	c.reports.note(id, millis, c.own(), c.cfg.Env.Now())
}

// Neighbor is the clock of one neighbor.
type Neighbor struct {
	Of     ring.Position
	Shows  replica.Clock
	steady int64 // within it, by this machine's monotonic clock
}

// neighbors returns the clocks of the successors, predecessors, and fingers that have reported
// theirs lately.
func (c *Clocks) neighbors(own int64) (out []Neighbor) {
	fresh := max(30*c.cfg.Heartbeat, 10*time.Second)
	for _, p := range c.cfg.Neighbors() {
		if shows, steady, ok := c.reports.now(peer.ID(p.ID), own, c.cfg.Env.Now(), fresh); ok {
			out = append(out, Neighbor{p, shows, steady})
		}
	}
	return out
}

func shown(clocks []Neighbor) []replica.Clock {
	out := make([]replica.Clock, len(clocks))
	for i, n := range clocks {
		out[i] = n.Shows
	}
	return out
}

// Time is the present by the clocks of this node and its neighbors.
func (c *Clocks) Time() replica.Time {
	own := c.own()
	return replica.Agree(own, shown(c.neighbors(own)))
}

// Now is the time in milliseconds since 1970: by this node's clock, unless most of its neighbors'
// clocks show another.
func (c *Clocks) Now() int64 { return c.Time().Nearest(c.own()) }

// Correction is by how much, in milliseconds, this node's clock is to be corrected before it
// writes. It uses the monotonic clock: when the clock was set a moment ago, a version must not be
// ahead because of that.
func (c *Clocks) Correction() int64 {
	own := c.own()
	var others []replica.Clock
	for _, n := range c.neighbors(own) {
		others = append(others, replica.Clock{Early: n.steady, Late: n.steady})
	}
	return replica.Agree(own, others).Nearest(own) - own
}

// Skew compares this node's clock with its neighbors', which it returns too.
func (c *Clocks) Skew(tolerated int64) (replica.Skew, []Neighbor) {
	own := c.own()
	others := c.neighbors(own)
	return replica.SkewOf(own, shown(others), tolerated), others
}
