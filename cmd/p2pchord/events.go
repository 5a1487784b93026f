package main

import (
	"time"

	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/node"
)

// eventLog shows what happens to a node: on stderr, or with --json on stdout.
type eventLog struct {
	app   *app
	heard *gateway.Events // who listens to the API
}

func (l *eventLog) show(e node.Event) {
	l.heard.Ring(e)
	switch {
	case l.app.json:
		l.app.out.Object(e)
	case l.app.quiet:
	default:
		l.app.out.Say("%s", eventText(e))
	}
}

func eventText(e node.Event) string {
	return e.Time.Local().Format(time.TimeOnly) + "  " + e.Text
}
