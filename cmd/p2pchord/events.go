package main

import (
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/node"
)

// eventLog shows what happens to a node: on stderr, above the prompt when there
// is one, or with --json on stdout.
type eventLog struct {
	app   *app
	heard *gateway.Events // who listens to the API
	mu    sync.Mutex
	out   func(string)
}

// to sends what comes from now on to a prompt.
func (l *eventLog) to(out func(string)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out = out
}

func (l *eventLog) show(e node.Event) {
	l.heard.Ring(e)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.app.json:
		l.app.out.object(e)
	case l.app.quiet:
	case l.out != nil:
		l.out(gateway.OneLine(eventText(e)))
	default:
		l.app.out.say("%s", eventText(e))
	}
}

func eventText(e node.Event) string {
	return e.Time.Local().Format(time.TimeOnly) + "  " + e.Text
}
