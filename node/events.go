package node

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/p2pchord/p2pchord/internal/delivery"
)

const (
	// eventsQueued is how many events wait for Config.Events.
	eventsQueued = 1024
	// eventsEnd is how long Close waits for Config.Events.
	eventsEnd = 5 * time.Second
)

// newEvents makes the queue of the events, which logs each and hands it to Config.Events.
func newEvents(events func(Event)) *delivery.Queue[Event] {
	return delivery.New("the Events callback", eventsQueued, func(e Event) {
		log.Infow(e.Text, "event", e.Kind)
		if events != nil {
			events(e)
		}
	}, func(n uint64) Event {
		return Event{Time: time.Now(), Kind: "dropped", Text: fmt.Sprintf("%d events were dropped, since nobody took them in time", n)}
	})
}

// event tells of something that happened. It never blocks.
func (n *Node) event(kind, text string) {
	n.eventQueue.Put(Event{Time: time.Now(), Kind: kind, Text: text})
}

// droppedEvents counts the events that Config.Events was too slow for.
func droppedEvents(q *delivery.Queue[Event]) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "p2pchord_events_dropped_total", Help: "Events of the node that were dropped because their receiver was too slow.",
	}, func() float64 { return float64(q.Dropped()) })
}
