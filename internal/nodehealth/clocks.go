package nodehealth

import (
	"fmt"
	"time"

	"github.com/p2pchord/p2pchord/internal/duration"
)

// ClockTolerance is by how much clocks may differ before a node says that it is not well. Versions
// are refused at ten minutes.
const ClockTolerance = time.Minute

// wrongClock says that this machine's clock differs from others', and what to do; empty when it
// doesn't.
func (f Facts) wrongClock() string {
	if f.Skew.Undecided {
		return fmt.Sprintf("the clocks of this machine and of %s differ by %s: set the one that is wrong",
			f.Name(f.Clocks[0].Of), duration.Rough(time.Duration(f.Skew.Others[0])*time.Millisecond))
	}
	if f.Skew.Own == 0 {
		return ""
	}
	return fmt.Sprintf("this machine's clock is %s those of most of the %d other peers that it knows: set it",
		duration.Offset(time.Duration(f.Skew.Own)*time.Millisecond), len(f.Clocks))
}
