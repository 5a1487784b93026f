package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// DefaultWithin is how long a node that quits hands over files.
const DefaultWithin = 10 * time.Second

func (s *Server) leave(w http.ResponseWriter, r *http.Request) {
	s.depart(w, r, s.peer.Leave)
}

func (s *Server) quit(w http.ResponseWriter, r *http.Request) {
	within := DefaultWithin
	if q := r.URL.Query().Get("within"); q != "" {
		d, err := time.ParseDuration(q)
		if err != nil || d < 0 {
			writeError(w, fault.New(fault.Usage, "within=%q is no time: write it like 10s", q))
			return
		}
		within = d
	}
	s.depart(w, r, func(ctx context.Context, report func(node.HandOver)) error {
		ctx, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		return s.peer.Quit(ctx, report)
	})
}

// departed is the result of a departure after which the peer is gone.
type departed struct {
	Gone bool `json:"gone"`
}

// depart lets the peer go and reports each file. The last line is sent when the
// peer is closed and the socket gone: who reads it finds the data folder free.
// A peer once on its way goes even when the one who asked doesn't wait for it. One
// that can't go runs on, and goes on answering.
func (s *Server) depart(w http.ResponseWriter, r *http.Request, how func(context.Context, func(node.HandOver)) error) {
	s.departing.Add(1)
	defer s.departing.Done()
	out := streamWriter{w: w}
	quiet := out.keepAlive()
	err := how(context.WithoutCancel(r.Context()), func(h node.HandOver) { out.item(h) })
	quiet()
	if err != nil && !s.peer.Gone() {
		out.end(nil, err)
		return
	}
	s.withdraw()
	if cerr := s.peer.Close(); err == nil && cerr != nil {
		err = fault.New(fault.Failed, "the node departed, but its data folder was not closed well: %w", cerr)
	}
	out.end(departed{Gone: true}, err)
}
