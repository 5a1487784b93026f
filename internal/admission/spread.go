package admission

import (
	"context"
	"math/rand/v2"
	"time"

	libp2pnet "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/protocol/admit"
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

// farewellWithin bounds telling a peer that it was revoked.
const farewellWithin = time.Second

// cutOff ends the streams of peers that are no members any more, and closes their connections.
// Those that never were members are on probation.
func (a *Admission) cutOff() {
	cut := make(map[peer.ID][]libp2pnet.Conn)
	for _, c := range a.host.Network().Conns() {
		p := c.RemotePeer()
		if !a.Refused(p) && !a.lapsed(p) {
			continue
		}
		for _, s := range c.GetStreams() {
			if s.Protocol() != admit.ID {
				_ = s.ResetWithError(libp2pnet.StreamGated)
			}
		}
		cut[p] = append(cut[p], c)
	}
	for p, conns := range cut {
		if !a.leaves(p) {
			continue // it is being told
		}
		log.Infow("a peer is cut off: it is no member any more", "peer", p)
		a.spawn("cutting a peer off", func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, farewellWithin)
			defer cancel()
			err := a.farewell(ctx, conns[0])
			for _, c := range conns {
				_ = c.CloseWithError(libp2pnet.ConnGated)
			}
			a.left(p)
			return err
		})
	}
}

// leaves notes that a peer is being cut off. It reports false if that was noted before.
func (a *Admission) leaves(p peer.ID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.state(p)
	before := s.leaving
	s.leaving = true
	return !before
}

// left notes that a peer has been cut off.
func (a *Admission) left(p peer.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.state(p)
	s.leaving = false
	a.forget(p, s)
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
		if s.in && !s.leaving && s.digest != own {
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
		if s.in && !s.leaving && s.running == 0 {
			if c := a.connection(p); c != nil {
				a.begin(c)
				return
			}
		}
	}
}
