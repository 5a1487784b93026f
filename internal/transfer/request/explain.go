package request

import (
	"context"
	"errors"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
)

// Retryable reports whether what failed with err may succeed when it is tried again.
func Retryable(err error) bool {
	switch fault.CodeOf(err) {
	case fault.TryAgain, fault.NotOwner, fault.NotSuccessor, fault.Refused, fault.Busy, fault.Uncertain, fault.Unreachable:
		return true
	default:
		return errors.Is(err, protocol.ErrNoAnswer)
	}
}

// Explain turns the failure of an operation under ctx into what the user is told. last, if not nil,
// is the failure of the attempt before.
func Explain(ctx context.Context, err, last error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled):
		return fault.New(fault.Interrupted, "interrupted: %w", ctx.Err())
	case ctx.Err() != nil && last != nil:
		return fault.New(fault.TryAgain, "the time was over; the last answer was: %w", last)
	case ctx.Err() != nil:
		return fault.New(fault.TryAgain, "the time was over: %w", ctx.Err())
	}
	var f *fault.Error
	switch fault.CodeOf(err) {
	case fault.NotOwner, fault.NotSuccessor, fault.Refused, fault.Busy, fault.Unreachable:
		return fault.New(fault.TryAgain, "the ring gives no answer now, because it is changing or cut off; try again: %w", err)
	default:
		if errors.As(err, &f) {
			return err
		}
		return fault.New(fault.TryAgain, "%w", err)
	}
}
