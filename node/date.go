package node

import (
	"time"

	"github.com/p2pchord/p2pchord/internal/duration"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/replica"
)

// blameClock adds to a refusal that this machine's clock differs from that of the peer which refused.
func blameClock(err error, theirs uint64) error {
	off := time.Now().UnixMilli() - int64(theirs) //nolint:gosec // any number
	if theirs == 0 || fault.CodeOf(err) != fault.NotAllowed || max(off, -off) <= replica.MaxAheadMillis {
		return err
	}
	return fault.New(fault.NotAllowed, "this machine's clock is %s %s that of the peer asked: %w", duration.Rough(inMillis(off)), aheadOrBehind(off), err)
}

// nextClock is the clock of a version that replaces one with clock current.
func (o *operations) nextClock(current uint64) uint64 {
	return replica.NextClock(o.now(), current, uint16(o.written.Add(1))) //nolint:gosec // the low bits
}
