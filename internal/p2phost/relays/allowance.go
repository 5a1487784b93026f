package relays

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

// maxAllowances bounds the peers whose use of a relay is remembered. Those that have used nothing
// for long are forgotten first.
const maxAllowances = 4096

// allowances bound what a relay carries for each peer and in all: so many bytes at once, and in a
// day on average.
type allowances struct {
	perPeer int64
	all     *rate.Limiter

	mu    sync.Mutex
	peers map[peer.ID]*rate.Limiter
}

func newAllowances(perPeer, all int64) *allowances {
	return &allowances{perPeer: perPeer, all: daily(all), peers: make(map[peer.ID]*rate.Limiter)}
}

// daily lets so many bytes through at once, and in a day on average.
func daily(bytes int64) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(float64(bytes)/(24*time.Hour).Seconds()), int(max(bytes, meterStep)))
}

// of returns p's own.
func (a *allowances) of(p peer.ID) *rate.Limiter {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.peers[p]
	if l != nil {
		return l
	}
	if len(a.peers) >= maxAllowances {
		a.forget()
	}
	l = daily(a.perPeer)
	a.peers[p] = l
	return l
}

// forget removes the peers whose allowance is whole again or, if there are none, the peer with the
// most left.
func (a *allowances) forget() {
	var most peer.ID
	best := -1.0
	for p, l := range a.peers {
		tokens := l.Tokens()
		if tokens >= float64(l.Burst()) {
			delete(a.peers, p)
		} else if tokens > best {
			most, best = p, tokens
		}
	}
	if len(a.peers) >= maxAllowances {
		delete(a.peers, most)
	}
}

// spend counts n bytes of a peer, whose own limiter is given, and returns how long it has to wait
// for them.
func (a *allowances) spend(own *rate.Limiter, n int) time.Duration {
	now := time.Now()
	return max(own.ReserveN(now, n).DelayFrom(now), a.all.ReserveN(now, n).DelayFrom(now))
}
