package gateway

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

const (
	ndjson = "application/x-ndjson"
	// progressEvery is the shortest time between two progress lines.
	progressEvery = 100 * time.Millisecond
	// aliveEvery is how often a call that takes long says that it goes on.
	aliveEvery = 5 * time.Second
	// maxLine bounds a line of a stream; the longest is a file with many siblings.
	maxLine = 4 << 20
)

// line is one line of a stream.
type line struct {
	Item     json.RawMessage `json:"item,omitempty"`
	Progress *progressLine   `json:"progress,omitempty"`
	End      bool            `json:"end,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	Error    *Problem        `json:"error,omitempty"`
}

type progressLine struct {
	Done   int64  `json:"done"`
	Total  int64  `json:"total"`
	Copies int    `json:"copies"`
	Path   string `json:"path"`
	Waits  string `json:"waits,omitempty"` // what it waits for, in words
}

// streamWriter writes a stream of lines. Its methods may be called from several
// goroutines; after end it writes nothing more. The header goes out with the
// first line, so that what fails before it still has its own HTTP status.
type streamWriter struct {
	mu       sync.Mutex
	w        http.ResponseWriter
	begun    bool
	ended    bool
	progress time.Time
}

func (s *streamWriter) write(l line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writeLocked(l)
}

func (s *streamWriter) writeLocked(l line) {
	if s.ended {
		return
	}
	if !s.begun {
		s.begun = true
		s.w.Header().Set("Content-Type", ndjson)
		s.w.WriteHeader(http.StatusOK)
	}
	e := json.NewEncoder(s.w)
	e.SetEscapeHTML(false)
	if e.Encode(l) == nil {
		_ = http.NewResponseController(s.w).Flush() // a failure shows at the next write
	}
}

func (s *streamWriter) item(v any) {
	b, err := json.Marshal(v)
	if err == nil {
		s.write(line{Item: b})
	}
}

// keepAlive writes an empty line object now and then, so that who waits knows that
// the work goes on, until the function that it returns is called.
func (s *streamWriter) keepAlive() (stop func()) {
	ended, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(aliveEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.write(line{})
			case <-ended:
				return
			}
		}
	}()
	return func() { close(ended); <-stopped }
}

// report writes a progress line, unless one has just gone out.
func (s *streamWriter) report(p node.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Sub(s.progress) < progressEvery && p.Waits == "" {
		return
	}
	s.progress = now
	s.writeLocked(line{Progress: &progressLine{p.Done, p.Total, p.Copies, p.Path, p.Waits}})
}

// end writes the last line: the result, or the error, or both.
func (s *streamWriter) end(result any, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun && err != nil && result == nil {
		s.ended = true
		writeError(s.w, err)
		return
	}
	last := line{End: true}
	if err != nil {
		p := ProblemOf(err)
		last.Error = &p
	}
	if result != nil {
		last.Result, _ = json.Marshal(result) // the results are plain structs
	}
	s.writeLocked(last)
	s.ended = true
}

// readStream reads a stream to its end and gives each line before the last to
// each. It returns the last line; its error is that of the stream itself.
func readStream(r io.Reader, each func(line) error) (line, error) {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 64<<10), maxLine)
	for sc.Scan() {
		var l line
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			return line{}, fault.New(fault.Failed, "the node's answer can't be read: %w", err)
		}
		if l.End {
			return l, nil
		}
		if l.Item == nil && l.Progress == nil {
			continue // it only says that the work goes on
		}
		if err := each(l); err != nil {
			return line{}, err
		}
	}
	err := sc.Err()
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	if errors.Is(err, bufio.ErrTooLong) {
		return line{}, fault.New(fault.Failed, "the node's answer can't be read: %w", err)
	}
	return line{}, err
}
