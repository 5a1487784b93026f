package bootstrap

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

const (
	paceBurst = 32 // requests that a peer may send at once
	// and from then on one in this time, or in a quarter of a heartbeat if that is less
	paceRefill = 250 * time.Millisecond
	maxPaced   = 1 << 16 // peers
)

// pace bounds how often each peer may ask. Time is an argument; it isn't safe for concurrent use.
type pace struct {
	refill  time.Duration // for one token
	buckets map[peer.ID]*rate.Limiter
}

func newPace(heartbeat time.Duration) *pace {
	return &pace{refill: min(paceRefill, heartbeat/4), buckets: make(map[peer.ID]*rate.Limiter)}
}

// take takes a token of p. Where there is none it returns how long p has to wait for one, else 0.
func (c *pace) take(now time.Time, p peer.ID) time.Duration {
	b, ok := c.buckets[p]
	if !ok {
		if len(c.buckets) >= maxPaced {
			return time.Second
		}
		b = rate.NewLimiter(rate.Every(c.refill), paceBurst)
		c.buckets[p] = b
	}
	r := b.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// sweep forgets the peers whose buckets are full again.
func (c *pace) sweep(now time.Time) {
	for p, b := range c.buckets {
		if b.TokensAt(now) >= paceBurst {
			delete(c.buckets, p)
		}
	}
}
