package events

import (
	"strconv"
	"sync"

	"github.com/p2pchord/p2pchord/node"
)

// Hub passes events on to listeners.
type Hub struct {
	mu        sync.Mutex
	listeners map[*Listener]struct{}
	next      int
}

// keptEvents is how many of the node's events a listener can be behind.
const keptEvents = 1000

// NewHub returns a Hub without listeners.
func NewHub() *Hub { return &Hub{listeners: map[*Listener]struct{}{}} }

// The topics of events, as the API names them.
const (
	TopicRing     = "ring"
	TopicTransfer = "transfer"
	TopicShare    = "share"
)

// Event is something that happened.
type Event struct {
	Topic string
	Data  any // its JSON is documented in openapi.yaml
}

// Listener holds the events that its owner has not taken yet.
type Listener struct {
	mu     sync.Mutex
	events map[string]Event // by key; a later event replaces one with the same key
	order  []string         // the keys
	own    int              // events of the node itself
	wake   chan struct{}
}

// Listen returns a Listener that receives everything from now on. The caller calls Leave.
func (h *Hub) Listen() *Listener {
	l := &Listener{events: map[string]Event{}, wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listeners[l] = struct{}{}
	return l
}

// Leave ends what Listen began.
func (h *Hub) Leave(l *Listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.listeners, l)
}

// Ring publishes an event of the node. It doesn't block.
func (h *Hub) Ring(ev node.Event) {
	h.publish("ring/"+strconv.Itoa(h.id()), Event{TopicRing, ev})
}

func (h *Hub) id() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next++
	return h.next
}

// publish sends ev to all listeners. It replaces an event with the same key that a listener has not
// taken.
func (h *Hub) publish(key string, ev Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		l.add(key, ev)
	}
}

func (l *Listener) add(key string, ev Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, there := l.events[key]; !there {
		l.order = append(l.order, key)
		if ev.Topic == TopicRing {
			l.own++
		}
	}
	l.events[key] = ev
	for i := 0; l.own > keptEvents && i < len(l.order); i++ {
		if old := l.order[i]; l.events[old].Topic == TopicRing {
			delete(l.events, old)
			l.order = append(l.order[:i:i], l.order[i+1:]...)
			l.own--
		}
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Wake receives a value when there is something to take.
func (l *Listener) Wake() <-chan struct{} { return l.wake }

// Take returns the events since the last call, in order.
func (l *Listener) Take() []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Event, 0, len(l.order))
	for _, key := range l.order {
		out = append(out, l.events[key])
	}
	l.events, l.order, l.own = map[string]Event{}, nil, 0
	return out
}
