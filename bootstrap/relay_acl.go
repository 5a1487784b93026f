package bootstrap

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/bootstrap/roster"
)

const (
	// registerWithin is how long a peer may hold a relay slot before it registers: slots are
	// reserved as soon as a peer is connected.
	registerWithin = 30 * time.Second
	// banFor is how long a peer is turned away that didn't register.
	banFor = 10 * time.Minute
	// clientFor is how long a client may use the relay after its last introduction.
	clientFor = 10 * time.Minute
	// confirmWithin is how long a registered peer may hold a slot before the ring has confirmed it.
	confirmWithin = 10 * time.Minute
	// maxStrangers bounds newcomers and clients, each. When there are more, the oldest is
	// forgotten, so that many made-up identities keep nobody out.
	maxStrangers = 4096
)

// relayACL decides who may use the relay. Members hold slots, and peers that are about to become
// members. A connection leads from or to a member, never between two strangers: peers that join and
// introduced clients reach members, and members reach peers that join. While the ring has no
// member, those that registered reach each other, because a ring that was restarted as a whole
// comes together so. libp2p calls it from the relay's goroutines.
type relayACL struct {
	status    func(peer.ID) roster.Status // may be called with mu held
	noMembers func() bool
	now       func() time.Time

	mu        sync.Mutex
	newcomers map[peer.ID]time.Time // who holds a slot without being a member, since when
	clients   map[peer.ID]time.Time // and when they were introduced
}

var _ relay.ACLFilter = (*relayACL)(nil)

func newRelayACL(status func(peer.ID) roster.Status, noMembers func() bool, now func() time.Time) *relayACL {
	return &relayACL{status: status, noMembers: noMembers, now: now, newcomers: make(map[peer.ID]time.Time), clients: make(map[peer.ID]time.Time)}
}

// AllowReserve reports whether p may hold a relay slot.
func (a *relayACL) AllowReserve(p peer.ID, _ ma.Multiaddr) bool {
	status := a.status(p)
	if status == roster.Member {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	since, ok := a.newcomers[p]
	if !ok {
		note(a.newcomers, p, a.now())
		return true
	}
	if status == roster.Registered {
		return a.now().Sub(since) < confirmWithin || a.noMembers()
	}
	return a.now().Sub(since) < registerWithin
}

// AllowConnect reports whether src may be connected to dest.
func (a *relayACL) AllowConnect(src peer.ID, _ ma.Multiaddr, dest peer.ID) bool {
	from, to := a.status(src), a.status(dest)
	switch {
	case to == roster.Unknown:
		return false
	case from == roster.Member, to == roster.Member && from == roster.Registered:
		return true
	case to == roster.Registered:
		return from == roster.Registered && a.noMembers()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	at, ok := a.clients[src]
	return ok && a.now().Sub(at) < clientFor
}

// introduced notes that p was introduced, so that it may use the relay as a client.
func (a *relayACL) introduced(p peer.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	note(a.clients, p, a.now())
}

// note notes when p came. If there are too many, it forgets the one that came first.
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
func (a *relayACL) sweep() []peer.ID {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []peer.ID
	now := a.now()
	for p, since := range a.newcomers {
		switch age, status := now.Sub(since), a.status(p); {
		case status == roster.Member, status == roster.Unknown && age >= banFor:
			delete(a.newcomers, p)
		case status == roster.Unknown && age >= registerWithin:
			out = append(out, p)
		}
	}
	for p, at := range a.clients {
		if now.Sub(at) >= clientFor {
			delete(a.clients, p)
		}
	}
	return out
}
