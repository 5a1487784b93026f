package clocks

import (
	"fmt"
	"time"

	"github.com/p2pchord/p2pchord/internal/duration"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/replica"
)

// CheckDate refuses a new version whose clock is too far ahead or behind. current are the versions
// before it. The present is what most clocks around this node say: a node whose own clock is wrong
// does not decide for the ring.
func (c *Clocks) CheckDate(current []replica.Record, rec *protocol.Record) error {
	now := c.Time()
	switch c.cfg.Grace.Judge(current, protocol.Lineage(rec.RecordBody), now) {
	case replica.Ahead:
		return c.ahead(rec, now)
	case replica.Old:
		by := time.Duration(now.Early-protocol.Lineage(rec.RecordBody).Version.Millis()) * time.Millisecond
		return fault.New(fault.NotAllowed, "%s, so whether %q has been deleted since may be forgotten; set the clock right and put the file again",
			c.differs(rec, by, "behind"), rec.GetName())
	case replica.Timely:
	}
	return nil
}

// CheckBlockDate refuses a later block whose clock is too far ahead: it would never count as an
// orphan.
func (c *Clocks) CheckBlockDate(rec *protocol.Record) error {
	now := c.Time()
	if replica.TooFarAhead(protocol.Lineage(rec.RecordBody).Version, now.Late) {
		return c.ahead(rec, now)
	}
	return nil
}

func (c *Clocks) ahead(rec *protocol.Record, now replica.Time) error {
	by := time.Duration(protocol.Lineage(rec.RecordBody).Version.Millis()-now.Late) * time.Millisecond
	return fault.New(fault.NotAllowed, "%s; set the clock right and put the file again", c.differs(rec, by, "ahead"))
}

// differs says whose clock differs from whose.
func (c *Clocks) differs(rec *protocol.Record, by time.Duration, way string) string {
	compared := len(c.neighbors(c.own()))
	if compared < 2 {
		return fmt.Sprintf("the clocks of %s, which wrote this, and of %s, which is to store it, differ: the first is %s %s", rec.By, c.cfg.ID, duration.Rough(by), way)
	}
	return fmt.Sprintf("the clock of %s, which wrote this, is %s %s of most of the %d that were compared", rec.By, duration.Rough(by), way, compared+1)
}
