package admission

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

// Limits bound what goes on at the same time.
type Limits struct {
	PerPeer    int // requests of one peer
	PerAddress int // of all strangers behind one address
	Strangers  int // of all strangers
	Total      int // of all peers; what strangers don't get is reserved for neighbors
}

// Gate gives requests a place to be handled in. A free place goes to the peer that holds the
// fewest, neighbors first. When strangers wait, those whose bytes move slowest lose their places.
type Gate struct {
	Limits

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
	places  map[*Seat]struct{}
	waiters []*waiter // in order
}

// Seat is one request's place.
type Seat struct {
	Asker
	lane *lane
	Flow *Flow // nil for neighbors
}

type waiter struct {
	Asker
	seat chan *Seat // gets the place; buffered
}

// NewGate returns a Gate without requests.
func NewGate(limits Limits) *Gate {
	return &Gate{Limits: limits, addresses: make(map[string]int), lanes: make(map[peer.ID]*lane), waiting: make(map[*lane]struct{})}
}

// Enter waits for a place for a, not longer than patience and until ctx ends. Every
// success is followed by one Leave.
func (g *Gate) Enter(ctx context.Context, a Asker, patience time.Duration) (*Seat, error) {
	g.mu.Lock()
	l := g.lanes[a.ID]
	if l == nil {
		l = &lane{places: make(map[*Seat]struct{})}
		g.lanes[a.ID] = l
	}
	if len(l.waiters) == 0 && g.fits(l, a) {
		s := g.take(l, a)
		g.mu.Unlock()
		return s, nil
	}
	w := &waiter{Asker: a, seat: make(chan *Seat, 1)}
	l.waiters = append(l.waiters, w)
	g.waiting[l] = struct{}{}
	g.press(l, a)
	g.mu.Unlock()
	return g.await(ctx, l, w, patience)
}

// await waits until w has its place.
func (g *Gate) await(ctx context.Context, l *lane, w *waiter, patience time.Duration) (*Seat, error) {
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
			g.press(l, w.Asker)
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

// Leave gives a place back.
func (g *Gate) Leave(s *Seat) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held--
	if !s.Neighbor {
		g.strange--
		if g.addresses[s.Address]--; g.addresses[s.Address] == 0 {
			delete(g.addresses, s.Address)
		}
	}
	delete(s.lane.places, s)
	s.lane.held.Add(-1)
	g.forget(s.ID, s.lane)
	for g.admit() {
	}
}

// fits reports whether there is a place for a. The caller holds mu, as in all that follows.
func (g *Gate) fits(l *lane, a Asker) bool {
	if int(l.held.Load()) >= g.PerPeer || g.held >= g.Total {
		return false
	}
	return a.Neighbor || g.strange < g.Strangers && !g.crowded(a.Address)
}

// crowded reports whether the strangers behind an address have all places that they may have.
func (g *Gate) crowded(address string) bool {
	return address != "" && g.addresses[address] >= g.PerAddress
}

func (g *Gate) take(l *lane, a Asker) *Seat {
	s := &Seat{Asker: a, lane: l}
	g.held++
	if !a.Neighbor {
		s.Flow = newFlow(&l.held)
		g.strange++
		g.addresses[a.Address]++
	}
	l.held.Add(1)
	l.places[s] = struct{}{}
	return s
}

// admit gives a free place to the next in line, and reports whether there was one.
func (g *Gate) admit() bool {
	var best *lane
	for l := range g.waiting {
		if first := l.waiters[0]; g.fits(l, first.Asker) && (best == nil || before(l, best)) {
			best = l
		}
	}
	if best == nil {
		return false
	}
	w := best.waiters[0]
	g.shift(best, 0)
	w.seat <- g.take(best, w.Asker)
	return true
}

// before reports whether a peer that waits comes before another.
func before(a, b *lane) bool {
	if x, y := a.waiters[0].Neighbor, b.waiters[0].Neighbor; x != y {
		return x
	}
	return a.held.Load() < b.held.Load()
}

// press takes the place of a slow stranger that holds more places than a does, if a waits for want
// of places that strangers share.
func (g *Gate) press(l *lane, a Asker) {
	if a.Neighbor || int(l.held.Load()) >= g.PerPeer {
		return
	}
	sameAddress := g.crowded(a.Address)
	var victim *Seat
	var longest time.Duration
	for _, other := range g.lanes {
		if other.held.Load() <= l.held.Load() || victim != nil && other.held.Load() < victim.lane.held.Load() {
			continue
		}
		for s := range other.places {
			waited, slow := s.Flow.slow()
			if !slow || sameAddress && s.Address != a.Address {
				continue
			}
			if victim == nil || other.held.Load() > victim.lane.held.Load() || waited > longest {
				victim, longest = s, waited
			}
		}
	}
	if victim != nil {
		victim.Flow.cut()
	}
}

// withdraw takes w out, which has no place.
func (g *Gate) withdraw(l *lane, w *waiter) {
	for i, x := range l.waiters {
		if x == w {
			g.shift(l, i)
			break
		}
	}
	g.forget(w.ID, l)
}

// shift takes the waiter i of l out.
func (g *Gate) shift(l *lane, i int) {
	l.waiters = append(l.waiters[:i:i], l.waiters[i+1:]...)
	if len(l.waiters) == 0 {
		delete(g.waiting, l)
	}
}

func (g *Gate) forget(id peer.ID, l *lane) {
	if l.held.Load() == 0 && len(l.waiters) == 0 {
		delete(g.lanes, id)
	}
}
