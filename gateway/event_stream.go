package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/gateway/events"
	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/gateway/internal/web"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// eventStream writes server-sent events.
type eventStream struct {
	mu sync.Mutex
	w  http.ResponseWriter
}

// send writes one event. It returns false when the client has gone.
func (s *eventStream) send(topic string, v any) bool {
	b, err := json.Marshal(v)
	return err == nil && s.write(fmt.Sprintf("event: %s\ndata: %s\n\n", topic, b))
}

func (s *eventStream) write(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.w.Write([]byte(text)); err != nil {
		return false
	}
	return http.NewResponseController(s.w).Flush() == nil
}

// topicsOf parses ?only=A,B. Without it all topics are wanted.
func topicsOf(only string) ([]string, error) {
	all := []string{events.TopicRing, events.TopicTransfer, events.TopicShare}
	if only == "" {
		return all, nil
	}
	topics := strings.Split(only, ",")
	for _, t := range topics {
		if !slices.Contains(all, t) {
			return nil, fault.New(fault.Usage, "only=%q: it is some of %s, a comma between", only, strings.Join(all, ", "))
		}
	}
	return topics, nil
}

// sendEvents answers GET /v1/events until the client goes or the server closes.
func (s *Server) sendEvents(w http.ResponseWriter, r *http.Request) {
	topics, err := topicsOf(r.URL.Query().Get("only"))
	if err != nil {
		web.Error(w, err)
		return
	}
	ctx, cancel := s.untilClose(r.Context())
	defer cancel()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	out := &eventStream{w: w}
	var l *events.Listener
	wake := make(<-chan struct{}) // without a hub it never receives
	if s.events != nil {
		l = s.events.Listen()
		defer s.events.Leave(l)
		wake = l.Wake()
	}
	out.send("hello", api.Self{PeerID: s.peer.PeerID(), RingAddress: s.peer.RingAddress()})
	if slices.Contains(topics, events.TopicShare) {
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			for u, err := range s.peer.Watch(ctx, true) {
				if err != nil || !out.send(events.TopicShare, u) {
					return // no folder is shared, or the client has gone
				}
			}
		}()
		defer func() { cancel(); <-watched }()
	}
	alive := time.NewTicker(keepAliveInterval)
	defer alive.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-alive.C:
			if !out.write(": alive\n\n") {
				return
			}
		case <-wake:
			for _, e := range l.Take() {
				if slices.Contains(topics, e.Topic) && !out.send(e.Topic, e.Data) {
					return
				}
			}
		}
	}
}
