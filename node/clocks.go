package node

import (
	"fmt"
	"time"

	"github.com/p2pchord/p2pchord/internal/duration"
	"github.com/p2pchord/p2pchord/ring"
)

// skewTolerated is by how much, in milliseconds, clocks may differ before a node says that it is
// not well. Versions are refused at ten minutes.
const skewTolerated = 60_000

// wrongClock says that this machine's clock differs from others', and what to do; empty when it
// doesn't.
func (n *Node) wrongClock() string {
	skew, others := n.replicas.Clocks().Skew(skewTolerated)
	if skew.Undecided {
		return fmt.Sprintf("the clocks of this machine and of %s differ by %s: set the one that is wrong",
			n.peerWords(others[0].Of), duration.Rough(inMillis(skew.Others[0])))
	}
	if skew.Own == 0 {
		return ""
	}
	return fmt.Sprintf("this machine's clock is %s those of most of the %d other peers that it knows: set it",
		duration.Offset(inMillis(skew.Own)), len(others))
}

// peerWords names a peer for people: by its ring address, if it has one, and its ID.
func (n *Node) peerWords(p ring.Position) string {
	if info, ok := n.book.Info(p.ID); ok && !info.RingAddress.IsZero() {
		return fmt.Sprintf("%s (%s)", info.RingAddress, peerID(p))
	}
	return peerID(p).String()
}

func inMillis(millis int64) time.Duration { return time.Duration(millis) * time.Millisecond }
