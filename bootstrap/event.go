package bootstrap

import (
	"time"

	"github.com/p2pchord/p2pchord/bootstrap/roster"
	"github.com/p2pchord/p2pchord/internal/delivery"
	"github.com/p2pchord/p2pchord/protocol"
)

// The kinds of Event.
const (
	EventJoined = roster.Joined // a peer has become a member
	EventLeft   = roster.Left   // a member has said goodbye
	EventLost   = roster.Lost   // a member has missed three heartbeats
	// EventDropped is told in the place of changes that Config.Events was too slow for:
	// Event.Dropped of them.
	EventDropped = "dropped"
)

// Event is a change of the roster. Its JSON is a line of `p2pchord bootstrap --json`.
type Event struct {
	Time        time.Time `json:"time"`
	Kind        string    `json:"event"`
	PeerID      string    `json:"peer_id"`
	Key         uint16    `json:"key"`
	RingAddress string    `json:"ring_address"` // HOST:PORT, or empty
	Addrs       []string  `json:"addrs"`
	Dropped     uint64    `json:"dropped,omitempty"`
}

const (
	// eventsQueued is how many events wait for Config.Events.
	eventsQueued = 1024
	// eventsEnd is how long Close waits for Config.Events.
	eventsEnd = 5 * time.Second
)

// newEvents makes the queue of the events.
func newEvents(events func(Event)) *delivery.Queue[Event] {
	return delivery.New("the Events callback", eventsQueued, events, func(n uint64) Event {
		return Event{Time: time.Now(), Kind: EventDropped, Addrs: []string{}, Dropped: n}
	})
}

// Member is one member in the roster.
type Member struct {
	PeerID      string   `json:"peer_id"`
	Key         uint16   `json:"key"`
	RingAddress string   `json:"ring_address"` // HOST:PORT, or empty
	Addrs       []string `json:"addrs"`
}

// eventOf returns the Event of a change at time t.
func eventOf(c roster.Change, t time.Time) Event {
	m := memberOf(c.Peer)
	return Event{Time: t, Kind: c.Kind, PeerID: m.PeerID, Key: m.Key, RingAddress: m.RingAddress, Addrs: m.Addrs}
}

func memberOf(p protocol.PeerInfo) Member {
	m := Member{PeerID: p.ID.String(), Key: uint16(p.Position.Key), RingAddress: p.RingAddress.String(), Addrs: []string{}}
	for _, a := range p.Addrs {
		m.Addrs = append(m.Addrs, a.String())
	}
	return m
}
