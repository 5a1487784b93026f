package gateway

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/gateway/internal/web"
	"github.com/p2pchord/p2pchord/node"
)

// keepAliveInterval is how often a long call says that it goes on.
const keepAliveInterval = 5 * time.Second

// streamWriter writes a stream of lines. Its methods may be called from several goroutines. After
// end it writes nothing more. The header goes out with the first line, so that a failure before
// that still has an HTTP status of its own.
type streamWriter struct {
	mu       sync.Mutex
	w        http.ResponseWriter
	begun    bool
	ended    bool
	progress time.Time
}

func (s *streamWriter) write(l api.Line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writeLocked(l)
}

func (s *streamWriter) writeLocked(l api.Line) {
	if s.ended {
		return
	}
	if !s.begun {
		s.begun = true
		s.w.Header().Set("Content-Type", api.NDJSON)
		s.w.WriteHeader(http.StatusOK)
	}
	e := json.NewEncoder(s.w)
	e.SetEscapeHTML(false)
	if e.Encode(l) == nil {
		_ = http.NewResponseController(s.w).Flush() // the next write reports a failure
	}
}

func (s *streamWriter) item(v any) {
	b, err := json.Marshal(v)
	if err == nil {
		s.write(api.Line{Item: b})
	}
}

// keepAlive writes an empty line object every keepAliveInterval, so that the client knows that the
// work goes on, until the caller calls stop.
func (s *streamWriter) keepAlive() (stop func()) {
	ended, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(keepAliveInterval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.write(api.Line{})
			case <-ended:
				return
			}
		}
	}()
	return func() { close(ended); <-stopped }
}

// report writes a line of progress, unless it has just written one.
func (s *streamWriter) report(p node.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Sub(s.progress) < api.ProgressInterval && p.Waits == "" {
		return
	}
	s.progress = now
	s.writeLocked(api.Line{Progress: api.ProgressOf(p)})
}

// end writes the last line: the result, or the error, or both.
func (s *streamWriter) end(result any, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun && err != nil && result == nil {
		s.ended = true
		web.Error(s.w, err)
		return
	}
	last := api.Line{End: true}
	if err != nil {
		p := api.ProblemOf(err)
		last.Error = &p
	}
	if result != nil {
		last.Result, _ = json.Marshal(result) // results are plain structs
	}
	s.writeLocked(last)
	s.ended = true
}
