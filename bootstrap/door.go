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
	// maxStrangers bounds newcomers and guests, each.
	maxStrangers = 4096
)

// door decides who may use the relay: members hold slots, members and introduced clients
// connect through them, and only to members. It is asked from the relay's goroutines.
type door struct {
	member func(peer.ID) bool // may be called with mu held
	now    func() time.Time

	mu        sync.Mutex
	newcomers map[peer.ID]time.Time // who holds a slot without having registered, since when
	guests    map[peer.ID]time.Time // clients, and when they were introduced
}

var _ relay.ACLFilter = (*door)(nil)

func newDoor(member func(peer.ID) bool, now func() time.Time) *door {
	return &door{member: member, now: now, newcomers: make(map[peer.ID]time.Time), guests: make(map[peer.ID]time.Time)}
}

// AllowReserve reports whether p may hold a relay slot.
func (d *door) AllowReserve(p peer.ID, _ ma.Multiaddr) bool {
	if d.member(p) {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	since, ok := d.newcomers[p]
	if !ok {
		if len(d.newcomers) >= maxStrangers {
			return false
		}
		d.newcomers[p] = d.now()
		return true
	}
	return d.now().Sub(since) < grace
}

// AllowConnect reports whether src may be connected to dest.
func (d *door) AllowConnect(src peer.ID, _ ma.Multiaddr, dest peer.ID) bool {
	if !d.member(dest) {
		return false
	}
	if d.member(src) {
		return true
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
	if _, ok := d.guests[p]; ok || len(d.guests) < maxStrangers {
		d.guests[p] = d.now()
	}
}

// sweep forgets what is over and returns who is to be disconnected, and so loses its slot.
func (d *door) sweep() []peer.ID {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []peer.ID
	now := d.now()
	for p, since := range d.newcomers {
		switch age := now.Sub(since); {
		case d.member(p) || age >= banned:
			delete(d.newcomers, p)
		case age >= grace:
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
