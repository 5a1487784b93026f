package node

import (
	"context"
	"errors"
	"time"

	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multistream"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/pause"
)

// The waits between tries to meet a peer: the first one, doubled each time up to the longest.
const (
	firstMeetWait   = 100 * time.Millisecond
	longestMeetWait = 2 * time.Second
)

// untilMet calls meet until it succeeds or ctx ends, and returns the last error then. It ends at once
// when the peer isn't one of p2pchord's, or refuses: trying again would not help.
func untilMet(ctx context.Context, meet func() error) error {
	err := meet()
	for wait := firstMeetWait; mayChange(err); wait = min(2*wait, longestMeetWait) {
		if pause.For(ctx, wait) != nil {
			return err
		}
		if next := meet(); ctx.Err() == nil || next == nil {
			err = next
		}
	}
	return err
}

// mayChange reports whether the same request may succeed a moment later.
func mayChange(err error) bool {
	if err == nil || errors.Is(err, multistream.ErrNotSupported[libp2pprotocol.ID]{}) {
		return false
	}
	switch fault.CodeOf(err) {
	case fault.Unreachable, fault.TryAgain, fault.Failed, fault.Busy:
		return true
	default:
		return false
	}
}
