package node

import (
	"fmt"
	"time"

	"github.com/p2pchord/p2pchord/internal/duration"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/replica"
)

// checkDate refuses a new version whose clock is too far ahead, or too far behind, where current are the standing
// ones. The present is what most clocks around this node say: a node whose own clock is wrong doesn't decide for the ring.
func (n *Node) checkDate(current []replica.Record, rec *protocol.Record) error {
	now := n.time()
	switch n.grace().Judge(current, lineage(rec.RecordBody), now) {
	case replica.Ahead:
		return n.ahead(rec, now)
	case replica.Old:
		by := time.Duration(now.Early-lineage(rec.RecordBody).Version.Millis()) * time.Millisecond
		return fault.New(fault.NotAllowed, "%s, so whether %q has been deleted since may be forgotten; set the clock right and put the file again",
			n.differs(rec, by, "behind"), rec.GetName())
	case replica.Timely:
	}
	return nil
}

// checkBlockDate refuses a later block whose clock is too far ahead: it would never count as left behind.
func (n *Node) checkBlockDate(rec *protocol.Record) error {
	now := n.time()
	if replica.TooFarAhead(lineage(rec.RecordBody).Version, now.Late) {
		return n.ahead(rec, now)
	}
	return nil
}

func (n *Node) ahead(rec *protocol.Record, now replica.Time) error {
	by := time.Duration(lineage(rec.RecordBody).Version.Millis()-now.Late) * time.Millisecond
	return fault.New(fault.NotAllowed, "%s; set the clock right and put the file again", n.differs(rec, by, "ahead"))
}

// blameClock adds to a refusal that this machine's clock differs from that of the peer which refused.
func blameClock(err error, theirs uint64) error {
	off := time.Now().UnixMilli() - int64(theirs) //nolint:gosec // any number
	if theirs == 0 || fault.CodeOf(err) != fault.NotAllowed || max(off, -off) <= replica.MaxAheadMillis {
		return err
	}
	return fault.New(fault.NotAllowed, "this machine's clock is %s %s that of the peer asked: %w", duration.Rough(inMillis(off)), aheadOrBehind(off), err)
}

// differs says whose clock differs from whose.
func (n *Node) differs(rec *protocol.Record, by time.Duration, way string) string {
	compared := len(n.neighborClocks(n.clock()))
	if compared < 2 {
		return fmt.Sprintf("the clocks of %s, which wrote this, and of %s, which is to store it, differ: the first is %s %s", rec.By, n.host.ID(), duration.Rough(by), way)
	}
	return fmt.Sprintf("the clock of %s, which wrote this, is %s %s of most of the %d that were compared", rec.By, duration.Rough(by), way, compared+1)
}

// nextClock is the clock of a version that replaces one with clock current.
func (o *operations) nextClock(current uint64) uint64 {
	return replica.NextClock(o.now(), current, uint16(o.written.Add(1))) //nolint:gosec // the low bits
}
