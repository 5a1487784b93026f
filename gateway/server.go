package gateway

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/gateway/events"
	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/gateway/internal/socket"
	"github.com/p2pchord/p2pchord/gateway/internal/web"
)

// Server answers for one peer.
type Server struct {
	peer      Peer
	metrics   http.Handler
	events    *events.Hub
	path      string
	socket    *socket.Socket
	http      *http.Server
	serving   sync.WaitGroup
	port      *port // nil without ServePort
	withdrawn sync.Once
	open      context.Context //nolint:containedctx // it ends when the server closes
	close     context.CancelFunc
	// departing counts the calls that make the peer leave or quit. Close waits for them.
	departing sync.WaitGroup
}

// Serve answers for p on the Unix socket at path until Close. It answers scrapes with metrics and
// publishes the events of hub, unless they are nil.
func Serve(path string, p Peer, metrics http.Handler, hub *events.Hub) (*Server, error) {
	sock, err := socket.Open(path)
	if err != nil {
		return nil, err
	}
	s := &Server{peer: p, metrics: metrics, events: hub, path: path, socket: sock}
	s.open, s.close = context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: api.IdleServer,
		ConnContext: socket.WithConn, ErrorLog: web.ServerLog(),
	}
	serve := func(l net.Listener) {
		s.serving.Go(func() { _ = s.http.Serve(l) }) // ends with the listener
	}
	serve(sock.Listener())
	s.serving.Go(func() { sock.Watch(s.open, serve) })
	return s, nil
}

// Close removes the socket and lets the calls under way end until ctx does. It waits for a
// departure under way in any case, because that has limits of its own.
func (s *Server) Close(ctx context.Context) error {
	s.withdraw()
	s.departing.Wait()
	s.close()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	s.serving.Wait()
	if s.port != nil {
		err = errors.Join(err, s.port.close(ctx))
	}
	return err
}

// withdraw removes the socket. Nobody new is answered, and another node on the same data folder can
// have a socket.
func (s *Server) withdraw() {
	s.withdrawn.Do(func() {
		s.socket.Close()
		if s.port != nil {
			_ = s.port.listen.Close()
		}
	})
}

// untilClose returns ctx as a context that also ends when the server closes. A call that would
// never end by itself must not hold up Close.
func (s *Server) untilClose(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.open, cancel)
	return ctx, func() { stop(); cancel() }
}
