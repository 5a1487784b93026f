package gateway

import (
	_ "embed" // openapi.yaml
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
)

//go:embed openapi.yaml
var openAPI []byte

func sendOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(openAPI) // who asked has gone, and there is nobody to tell
}

// eventStream writes server-sent events, as browsers understand them.
type eventStream struct {
	mu sync.Mutex
	w  http.ResponseWriter
}

// send writes one event; false when its reader has gone.
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

// topicsOf reads ?only=A,B; all topics without it.
func topicsOf(only string) ([]string, error) {
	all := []string{topicRing, topicTransfer, topicShare}
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

// sendEvents answers GET /v1/events until who listens goes, or the server closes.
func (s *Server) sendEvents(w http.ResponseWriter, r *http.Request) {
	topics, err := topicsOf(r.URL.Query().Get("only"))
	if err != nil {
		writeError(w, err)
		return
	}
	ctx, cancel := s.untilClose(r.Context())
	defer cancel()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	out := &eventStream{w: w}
	var l *listener
	wake := make(<-chan struct{}) // never, without events
	if s.events != nil {
		l = s.events.listen()
		defer s.events.leave(l)
		wake = l.wake
	}
	out.send("hello", Self{PeerID: s.peer.PeerID(), RingAddress: s.peer.RingAddress()})
	if slices.Contains(topics, topicShare) {
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			for u, err := range s.peer.Watch(ctx, true) {
				if err != nil || !out.send(topicShare, u) {
					return // no folder is shared, or nobody listens
				}
			}
		}()
		defer func() { cancel(); <-watched }()
	}
	alive := time.NewTicker(aliveEvery)
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
			for _, e := range l.take() {
				if slices.Contains(topics, e.topic) && !out.send(e.topic, e.data) {
					return
				}
			}
		}
	}
}
