package gateway

import (
	"strconv"
	"sync"

	"github.com/p2pchord/p2pchord/node"
)

// Events collects what happens at a node for who listens to it: what the node itself
// tells, and how puts and gets go. Nobody is waited for: of a transfer only the last
// state is kept for a slow listener, of the node's own events the last keptEvents.
type Events struct {
	mu        sync.Mutex
	listeners map[*listener]struct{}
	next      int
}

// keptEvents is how many of the node's events a slow listener can be behind.
const keptEvents = 1000

// NewEvents returns an Events that nobody listens to.
func NewEvents() *Events { return &Events{listeners: map[*listener]struct{}{}} }

// The topics of events, as the API names them.
const (
	topicRing     = "ring"
	topicTransfer = "transfer"
	topicShare    = "share"
)

type event struct {
	topic string
	data  any
}

// listener has what it has not taken yet: the events, and in order the keys of them.
type listener struct {
	mu     sync.Mutex
	events map[string]event
	order  []string
	own    int // of the node itself
	wake   chan struct{}
}

func (e *Events) listen() *listener {
	l := &listener{events: map[string]event{}, wake: make(chan struct{}, 1)}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.listeners[l] = struct{}{}
	return l
}

func (e *Events) leave(l *listener) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.listeners, l)
}

// Ring tells of an event of the node. It doesn't block.
func (e *Events) Ring(ev node.Event) {
	e.tell("ring/"+strconv.Itoa(e.id()), event{topicRing, ev})
}

func (e *Events) id() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.next++
	return e.next
}

func (e *Events) tell(key string, ev event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for l := range e.listeners {
		l.add(key, ev)
	}
}

func (l *listener) add(key string, ev event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, there := l.events[key]; !there {
		l.order = append(l.order, key)
		if ev.topic == topicRing {
			l.own++
		}
	}
	l.events[key] = ev
	for i := 0; l.own > keptEvents && i < len(l.order); i++ {
		if old := l.order[i]; l.events[old].topic == topicRing {
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

func (l *listener) take() []event {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]event, 0, len(l.order))
	for _, key := range l.order {
		out = append(out, l.events[key])
	}
	l.events, l.order, l.own = map[string]event{}, nil, 0
	return out
}
