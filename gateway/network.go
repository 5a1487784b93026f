package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/p2pchord/p2pchord/gateway/internal/web"
)

func (s *Server) getPeers(w http.ResponseWriter, r *http.Request) {
	peers, err := s.peer.Peers(r.Context())
	out := streamWriter{w: w}
	for _, p := range peers {
		out.item(p)
	}
	out.end(nil, err)
}

func (s *Server) traceFile(w http.ResponseWriter, r *http.Request) {
	v, err := s.peer.Trace(r.Context(), r.PathValue("name"))
	web.Answer(w, v, err)
}

// checkNetwork answers with a stream whose empty lines say that the check goes on.
func (s *Server) checkNetwork(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if d, err := time.ParseDuration(r.URL.Query().Get("within")); err == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	out := streamWriter{w: w}
	stop := out.keepAlive()
	v, err := s.peer.Netcheck(ctx)
	stop()
	if err != nil {
		out.end(nil, err)
		return
	}
	out.end(v, nil)
}
