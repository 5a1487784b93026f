package bootstrap

import (
	"math"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	paceBurst  = 32                     // requests that a peer may send at once
	paceRefill = 250 * time.Millisecond // and from then on one in this time, or in a quarter of a heartbeat if that is less
	maxPaced   = 1 << 16                // peers
)

// pace bounds how often each peer may ask: a bucket of paceBurst tokens for each, refilled at a
// constant rate. Time is an argument; it isn't safe for concurrent use.
type pace struct {
	refill  time.Duration // for one token
	buckets map[peer.ID]bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newPace(heartbeat time.Duration) *pace {
	return &pace{refill: min(paceRefill, heartbeat/4), buckets: make(map[peer.ID]bucket)}
}

// take takes a token of p. Where there is none it returns how long p has to wait for one, else 0.
func (c *pace) take(now time.Time, p peer.ID) time.Duration {
	b, ok := c.buckets[p]
	if !ok {
		if len(c.buckets) >= maxPaced {
			return time.Second
		}
		b = bucket{tokens: paceBurst, at: now}
	}
	if d := now.Sub(b.at); d > 0 {
		b.tokens = min(paceBurst, b.tokens+float64(d)/float64(c.refill))
		b.at = now
	}
	var wait time.Duration
	if b.tokens >= 1 {
		b.tokens--
	} else {
		wait = time.Duration(math.Ceil((1 - b.tokens) * float64(c.refill)))
	}
	c.buckets[p] = b
	return wait
}

// sweep forgets the peers whose buckets are full again.
func (c *pace) sweep(now time.Time) {
	for p, b := range c.buckets {
		if now.Sub(b.at) >= paceBurst*c.refill {
			delete(c.buckets, p)
		}
	}
}
