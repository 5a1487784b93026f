package events

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/node"
)

// A listener that takes nothing costs no more than the last states, and the last events.
func TestASlowListener(t *testing.T) {
	t.Parallel()
	e := NewHub()
	l := e.Listen()
	tr := e.begin("put", "x", 10)
	for i := range 3 * keptEvents {
		e.Ring(node.Event{Text: fmt.Sprint(i)})
		tr.last = time.Time{}
		tr.moved(node.Progress{Done: int64(i)})
	}
	got := l.Take()
	if len(got) != keptEvents+1 || len(l.events) != 0 {
		t.Fatalf("%d events are kept", len(got))
	}
	last, _ := json.Marshal(got[len(got)-1].Data)
	if !strings.Contains(string(last), fmt.Sprint(3*keptEvents-1)) {
		t.Errorf("the last one is %s", last)
	}
	i := slices.IndexFunc(got, func(e Event) bool { return e.Topic == TopicTransfer })
	if s, _ := got[i].Data.(Transfer); s.Done != 3*keptEvents-1 {
		t.Errorf("the transfer is at %d", s.Done)
	}
	e.Leave(l)
	e.Ring(node.Event{})
	if len(l.Take()) != 0 {
		t.Error("it hears more after it has left")
	}
}
