package protocol

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// pressEvery is how often a request that waits for a place looks for a slow stranger whose place it
// may have.
const pressEvery = 250 * time.Millisecond

// gateLimits bound what goes on at the same time.
type gateLimits struct {
	perPeer    int // requests of one peer
	perAddress int // of all strangers behind one address
	strangers  int // of all strangers
	total      int // of all peers; what strangers don't get is reserved for neighbors
}

// asker is who sends a request.
type asker struct {
	id peer.ID
	// a group of addresses that one machine or household may have; empty for this machine's own
	address  string
	neighbor bool // in the ring, as this peer sees it
}

// gate gives requests a place to be handled in. A free place goes to the peer that holds the
// fewest, neighbors first. When strangers wait, those whose bytes move slowest lose their places.
type gate struct {
	gateLimits

	mu        sync.Mutex
	held      int
	strange   int // of held, by strangers
	addresses map[string]int
	lanes     map[peer.ID]*lane
	waiting   map[*lane]struct{} // those with waiters
}

// lane is what one peer has of a gate.
type lane struct {
	held    atomic.Int32
	places  map[*seat]struct{}
	waiters []*waiter // in order
}

// seat is one request's place.
type seat struct {
	asker
	lane *lane
	flow *flow // nil for neighbors
}

type waiter struct {
	asker
	seat chan *seat // gets the place; buffered
}

func newGate(limits gateLimits) *gate {
	return &gate{gateLimits: limits, addresses: make(map[string]int), lanes: make(map[peer.ID]*lane), waiting: make(map[*lane]struct{})}
}

// enter waits for a place for a, not longer than patience and until ctx ends. Every
// success is followed by one leave.
func (g *gate) enter(ctx context.Context, a asker, patience time.Duration) (*seat, error) {
	g.mu.Lock()
	l := g.lanes[a.id]
	if l == nil {
		l = &lane{places: make(map[*seat]struct{})}
		g.lanes[a.id] = l
	}
	if len(l.waiters) == 0 && g.fits(l, a) {
		s := g.take(l, a)
		g.mu.Unlock()
		return s, nil
	}
	w := &waiter{asker: a, seat: make(chan *seat, 1)}
	l.waiters = append(l.waiters, w)
	g.waiting[l] = struct{}{}
	g.press(l, a)
	g.mu.Unlock()
	return g.await(ctx, l, w, patience)
}

// await waits until w has its place.
func (g *gate) await(ctx context.Context, l *lane, w *waiter, patience time.Duration) (*seat, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	press := time.NewTicker(pressEvery)
	defer press.Stop()
	for {
		select {
		case s := <-w.seat:
			return s, nil
		case <-press.C:
			g.mu.Lock()
			g.press(l, w.asker)
			g.mu.Unlock()
		case <-ctx.Done():
			g.mu.Lock()
			defer g.mu.Unlock()
			select {
			case s := <-w.seat: // at the last moment
				return s, nil
			default:
			}
			g.withdraw(l, w)
			return nil, ctx.Err()
		}
	}
}

// leave gives a place back.
func (g *gate) leave(s *seat) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held--
	if !s.neighbor {
		g.strange--
		if g.addresses[s.address]--; g.addresses[s.address] == 0 {
			delete(g.addresses, s.address)
		}
	}
	delete(s.lane.places, s)
	s.lane.held.Add(-1)
	g.forget(s.id, s.lane)
	for g.admit() {
	}
}

// fits reports whether there is a place for a. The caller holds mu, as in all that follows.
func (g *gate) fits(l *lane, a asker) bool {
	if int(l.held.Load()) >= g.perPeer || g.held >= g.total {
		return false
	}
	return a.neighbor || g.strange < g.strangers && !g.crowded(a.address)
}

// crowded reports whether the strangers behind an address have all places that they may have.
func (g *gate) crowded(address string) bool {
	return address != "" && g.addresses[address] >= g.perAddress
}

func (g *gate) take(l *lane, a asker) *seat {
	s := &seat{asker: a, lane: l}
	g.held++
	if !a.neighbor {
		s.flow = newFlow(&l.held)
		g.strange++
		g.addresses[a.address]++
	}
	l.held.Add(1)
	l.places[s] = struct{}{}
	return s
}

// admit gives a free place to who is to have it next, and reports whether there was one.
func (g *gate) admit() bool {
	var best *lane
	for l := range g.waiting {
		if first := l.waiters[0]; g.fits(l, first.asker) && (best == nil || before(l, best)) {
			best = l
		}
	}
	if best == nil {
		return false
	}
	w := best.waiters[0]
	g.shift(best, 0)
	w.seat <- g.take(best, w.asker)
	return true
}

// before reports whether a peer that waits comes before another.
func before(a, b *lane) bool {
	if x, y := a.waiters[0].neighbor, b.waiters[0].neighbor; x != y {
		return x
	}
	return a.held.Load() < b.held.Load()
}

// press takes the place of a slow stranger that holds more places than a does, if a waits for want
// of places that strangers share.
func (g *gate) press(l *lane, a asker) {
	if a.neighbor || int(l.held.Load()) >= g.perPeer {
		return
	}
	sameAddress := g.crowded(a.address)
	var victim *seat
	var longest time.Duration
	for _, other := range g.lanes {
		if other.held.Load() <= l.held.Load() || victim != nil && other.held.Load() < victim.lane.held.Load() {
			continue
		}
		for s := range other.places {
			waited, slow := s.flow.slow()
			if !slow || sameAddress && s.address != a.address {
				continue
			}
			if victim == nil || other.held.Load() > victim.lane.held.Load() || waited > longest {
				victim, longest = s, waited
			}
		}
	}
	if victim != nil {
		victim.flow.cut()
	}
}

// withdraw takes w out, which has no place.
func (g *gate) withdraw(l *lane, w *waiter) {
	for i, x := range l.waiters {
		if x == w {
			g.shift(l, i)
			break
		}
	}
	g.forget(w.id, l)
}

// shift takes the waiter i of l out.
func (g *gate) shift(l *lane, i int) {
	l.waiters = append(l.waiters[:i:i], l.waiters[i+1:]...)
	if len(l.waiters) == 0 {
		delete(g.waiting, l)
	}
}

func (g *gate) forget(id peer.ID, l *lane) {
	if l.held.Load() == 0 && len(l.waiters) == 0 {
		delete(g.lanes, id)
	}
}
