package bootstrap

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// grace is how long a peer may hold a relay slot before it registers: slots are
	// reserved as soon as a peer is connected.
	grace = 30 * time.Second
	// banned is how long one is turned away that didn't.
	banned = 10 * time.Minute
	// welcome is how long a passing client may use the relay after its last introduction.
	welcome = 10 * time.Minute
	// trial is how long one that has registered may hold a slot before the ring has confirmed it.
	trial = 10 * time.Minute
	// maxStrangers bounds newcomers and guests, each. When there are more, the oldest is forgotten,
	// so that many made-up identities keep nobody out.
	maxStrangers = 4096
)

// standing is what a bootstrap peer knows of a peer.
type standing int

const (
	unknown    standing = iota
	registered          // it is in the roster
	inRing              // and the ring confirms it
)

// door decides who may use the relay. Members hold slots, and peers that are about to become members. A connection
// leads from or to a member, never between two strangers: peers that join and introduced clients reach members,
// and members reach peers that join. While the ring has no member, those that registered reach each other, for so
// a ring that was restarted as a whole comes together. It is asked from the relay's goroutines.
type door struct {
	of        func(peer.ID) standing // may be called with mu held
	noMembers func() bool
	now       func() time.Time

	mu        sync.Mutex
	newcomers map[peer.ID]time.Time // who holds a slot without being a member, since when
	guests    map[peer.ID]time.Time // clients, and when they were introduced
}

var _ relay.ACLFilter = (*door)(nil)

func newDoor(of func(peer.ID) standing, noMembers func() bool, now func() time.Time) *door {
	return &door{of: of, noMembers: noMembers, now: now, newcomers: make(map[peer.ID]time.Time), guests: make(map[peer.ID]time.Time)}
}

// AllowReserve reports whether p may hold a relay slot.
func (d *door) AllowReserve(p peer.ID, _ ma.Multiaddr) bool {
	at := d.of(p)
	if at == inRing {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	since, ok := d.newcomers[p]
	if !ok {
		note(d.newcomers, p, d.now())
		return true
	}
	if at == registered {
		return d.now().Sub(since) < trial || d.noMembers()
	}
	return d.now().Sub(since) < grace
}

// AllowConnect reports whether src may be connected to dest.
func (d *door) AllowConnect(src peer.ID, _ ma.Multiaddr, dest peer.ID) bool {
	from, to := d.of(src), d.of(dest)
	switch {
	case to == unknown:
		return false
	case from == inRing, to == inRing && from == registered:
		return true
	case to == registered:
		return from == registered && d.noMembers()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	at, ok := d.guests[src]
	return ok && d.now().Sub(at) < welcome
}

// invite lets a passing client use the relay.
func (d *door) invite(p peer.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	note(d.guests, p, d.now())
}

// note notes when p came. If there are too many, the one that came first is forgotten.
func note(since map[peer.ID]time.Time, p peer.ID, now time.Time) {
	if _, ok := since[p]; !ok && len(since) >= maxStrangers {
		var first peer.ID
		for id, at := range since {
			if first == "" || at.Before(since[first]) {
				first = id
			}
		}
		delete(since, first)
	}
	since[p] = now
}

// sweep forgets what is over and returns who is to be disconnected, and so loses its slot.
func (d *door) sweep() []peer.ID {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []peer.ID
	now := d.now()
	for p, since := range d.newcomers {
		switch age, at := now.Sub(since), d.of(p); {
		case at == inRing, at == unknown && age >= banned:
			delete(d.newcomers, p)
		case at == unknown && age >= grace:
			out = append(out, p)
		}
	}
	for p, at := range d.guests {
		if now.Sub(at) >= welcome {
			delete(d.guests, p)
		}
	}
	return out
}
