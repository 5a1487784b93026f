package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/gateway/internal/web"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

func (s *Server) leave(w http.ResponseWriter, r *http.Request) {
	s.depart(w, r, s.peer.Leave)
}

func (s *Server) quit(w http.ResponseWriter, r *http.Request) {
	within := api.DefaultWithin
	if q := r.URL.Query().Get("within"); q != "" {
		d, err := time.ParseDuration(q)
		if err != nil || d < 0 {
			web.Error(w, fault.New(fault.Usage, "within=%q is not a time: write it like 10s", q))
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

// depart makes the peer leave or quit and reports each file. It sends the last line when the peer
// is closed and the socket has gone, so that whoever reads it can use the data folder. A departure
// goes on even if the client doesn't wait for it. A peer that can't depart goes on running and
// answering.
func (s *Server) depart(w http.ResponseWriter, r *http.Request, how func(context.Context, func(node.HandOver)) error) {
	s.departing.Add(1)
	defer s.departing.Done()
	out := streamWriter{w: w}
	stop := out.keepAlive()
	err := how(context.WithoutCancel(r.Context()), func(h node.HandOver) { out.item(h) })
	stop()
	if err != nil && !s.peer.Gone() {
		out.end(nil, err)
		return
	}
	s.withdraw()
	if cerr := s.peer.Close(); err == nil && cerr != nil {
		err = fault.New(fault.Failed, "the node departed, but its data folder was not closed well: %w", cerr)
	}
	out.end(api.Departed{Gone: true}, err)
}
