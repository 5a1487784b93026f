package node

import "github.com/p2pchord/p2pchord/internal/fault"

// The kinds of failure that a caller may want to tell apart, with errors.Is.
var (
	ErrNotFound    error = fault.NotFound    // no such file in the ring
	ErrUnreachable error = fault.Unreachable // no peer could be reached
	ErrTryAgain    error = fault.TryAgain    // can't tell now: the ring is changing
	ErrUncertain   error = fault.Uncertain   // a write may or may not have been done; do it again
	ErrIntegrity   error = fault.Integrity   // what arrived is not what was stored
	ErrNoSpace     error = fault.NoSpace     // no space, or over a limit
	ErrNotAllowed  error = fault.NotAllowed  // refused by a rule
	ErrFewerCopies error = fault.FewerCopies // stored, with fewer copies than asked for
	// a name, an option or a configuration that is not allowed
	ErrUsage error = fault.Usage
)
