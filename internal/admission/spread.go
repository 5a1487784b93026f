package admission

import (
	"context"
	"math/rand/v2"
	"time"

	libp2pnet "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// compareEvery is how often this peer compares what it has with that of another, and looks whose
// grants have ended.
const compareEvery = 10 * time.Second

// changed is told of each change of the statements.
func (a *Admission) changed() {
	select {
	case a.changes <- struct{}{}:
	default:
	}
}

// spread carries out what the statements say, and brings them to others, until ctx ends.
func (a *Admission) spread(ctx context.Context) {
	for {
		wait := time.NewTimer(compareEvery*3/4 + rand.N(compareEvery/2))
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-a.changes:
			wait.Stop()
			a.cutOff()
			a.tellAll()
		case <-wait.C:
			a.cutOff()
			a.compare()
		}
	}
}

// cutOff closes the connections of peers that are no members any more, with all their streams.
// Those that never were are on probation.
func (a *Admission) cutOff() {
	for _, c := range a.host.Network().Conns() {
		p := c.RemotePeer()
		if a.Refused(p) || a.lapsed(p) {
			log.Infow("a peer is cut off: it is no member any more", "peer", p)
			_ = c.CloseWithError(libp2pnet.ConnGated)
		}
	}
}

// lapsed reports whether a peer was admitted and is no member any more.
func (a *Admission) lapsed(p peer.ID) bool {
	if a.Known(p) || !a.network.Closed(a.now()) {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.peers[p]
	return s != nil && s.in
}

// tellAll begins an exchange with each admitted peer that has not what this one has.
func (a *Admission) tellAll() {
	own := a.network.Digest()
	a.mu.Lock()
	defer a.mu.Unlock()
	for p, s := range a.peers {
		if s.in && s.digest != own {
			if c := a.connection(p); c != nil {
				a.begin(c)
			}
		}
	}
}

// compare begins an exchange with one admitted peer.
func (a *Admission) compare() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for p, s := range a.peers { // in a random order
		if s.in && s.running == 0 {
			if c := a.connection(p); c != nil {
				a.begin(c)
				return
			}
		}
	}
}
