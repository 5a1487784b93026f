package gateway

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// Server answers for one peer.
type Server struct {
	peer    Peer
	metrics *Metrics
	events  *Events
	path    string
	sockets *sockets
	http    *http.Server
	serving sync.WaitGroup
	port    *port // nil when it is not asked for
	retire  sync.Once
	open    context.Context //nolint:containedctx // it ends when the server closes
	close   context.CancelFunc
	// departing counts the calls that make the peer go: nothing cuts them off.
	departing sync.WaitGroup
}

// Self says who answers.
type Self struct {
	PeerID      string `json:"peer_id"`
	RingAddress string `json:"ring_address"`
}

// Serve answers for p on the Unix socket at path until Close, with metrics and events unless they are nil.
func Serve(path string, p Peer, metrics *Metrics, events *Events) (*Server, error) {
	socks, err := openSockets(path)
	if err != nil {
		return nil, err
	}
	s := &Server{peer: p, metrics: metrics, events: events, path: path, sockets: socks}
	s.open, s.close = context.WithCancel(context.Background())
	s.http = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: idleServer, ConnContext: withConn, ErrorLog: newServerLog()}
	serve := func(l net.Listener) {
		s.serving.Go(func() { _ = s.http.Serve(passListener{l}) }) // ends with the listener; a failed accept leaves the node without its API
	}
	serve(socks.now)
	s.serving.Go(func() { socks.watch(s.open, serve) })
	return s, nil
}

// A connection on which nothing is asked is closed: first by the client, so that none
// of its requests meets a connection that is just being closed.
const (
	idleClient = time.Minute
	idleServer = 3 * time.Minute
)

// Close stops accepting, lets what is being answered end until ctx does, and
// removes the socket. A departure under way ends in any case: it has its own limits.
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

// withdraw takes the socket away: nobody new is answered, and a successor in the
// same data folder finds the place free.
func (s *Server) withdraw() {
	s.retire.Do(func() {
		s.sockets.withdraw()
		if s.port != nil {
			_ = s.port.listen.Close()
		}
	})
}

// routes are all calls that there are; openapi.yaml describes each.
func (s *Server) routes() map[string]http.HandlerFunc {
	all := map[string]http.HandlerFunc{
		"GET /v1/self":               s.getSelf,
		"GET /v1/status":             s.getStatus,
		"GET /v1/health":             s.getHealth,
		"GET /v1/members":            s.getMembers,
		"GET /v1/files":              s.listFiles,
		"PUT /v1/files/{name...}":    s.putFile,
		"GET /v1/files/{name...}":    s.getFile,
		"POST /v1/store/{name...}":   s.storeFile,
		"POST /v1/save/{name...}":    s.saveFile,
		"HEAD /v1/files/{name...}":   s.headFile,
		"DELETE /v1/files/{name...}": s.removeFile,
		"GET /v1/stat/{name...}":     s.statFile,
		"GET /v1/lookup/{name...}":   s.lookupFile,
		"GET /v1/trace/{name...}":    s.traceFile,
		"GET /v1/peers":              s.getPeers,
		"POST /v1/netcheck":          s.checkNetwork,
		"GET /v1/share":              s.watchFolder,
		"POST /v1/verify":            s.verify,
		"POST /v1/leave":             s.leave,
		"POST /v1/quit":              s.quit,
		"GET /v1/events":             s.sendEvents,
		"GET /v1/openapi.yaml":       sendOpenAPI,
	}
	if s.metrics != nil {
		all["GET /metrics"] = s.metrics.Handler().ServeHTTP
	}
	return all
}

func (s *Server) handler() http.Handler {
	m := http.NewServeMux()
	for pattern, h := range s.routes() {
		m.HandleFunc(pattern, h)
	}
	m.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, fault.New(fault.Usage, "no such call: %s %s", r.Method, r.URL.Path))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The mux would answer these with a redirection to another name.
		if p := path.Clean(r.URL.Path); p != r.URL.Path {
			writeError(w, fault.New(fault.Usage, "a name has no empty part, no '.' and no '..': %q", r.URL.Path))
			return
		}
		contained(m, w, r)
	})
}

// contained answers a request. A panic fails this request and no other.
func contained(next http.Handler, w http.ResponseWriter, r *http.Request) {
	t := &tracked{ResponseWriter: w}
	aborted := false
	err := contain.Run("the local API", func() error {
		defer func() {
			if v := recover(); v == http.ErrAbortHandler { //nolint:errorlint // it is compared as net/http does
				aborted = true
			} else if v != nil {
				panic(v)
			}
		}()
		next.ServeHTTP(t, r)
		return nil
	})
	switch {
	case aborted, err != nil && t.begun:
		panic(http.ErrAbortHandler) // net/http cuts the answer off
	case err != nil:
		writeError(w, fault.New(fault.Failed, "a bug of the program ended this call, its stack is in the node's log: %w", err))
	}
}

// tracked notes whether an answer has begun.
type tracked struct {
	http.ResponseWriter
	begun bool
}

// Unwrap is for http.ResponseController.
func (t *tracked) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// WriteHeader begins the answer.
func (t *tracked) WriteHeader(status int) {
	t.begun = true
	t.ResponseWriter.WriteHeader(status)
}

// Write continues the answer.
func (t *tracked) Write(p []byte) (int, error) {
	t.begun = true
	return t.ResponseWriter.Write(p)
}

func (s *Server) getSelf(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, Self{PeerID: s.peer.PeerID(), RingAddress: s.peer.RingAddress()})
}

func (s *Server) getStatus(w http.ResponseWriter, r *http.Request) {
	v, err := s.peer.Status(r.Context())
	answer(w, v, err)
}

func (s *Server) getHealth(w http.ResponseWriter, r *http.Request) {
	v, err := s.peer.Health(r.Context())
	answer(w, v, err)
}

func (s *Server) getMembers(w http.ResponseWriter, r *http.Request) {
	out := streamWriter{w: w}
	for m, err := range s.peer.Members(r.Context()) {
		if err != nil {
			out.end(nil, err)
			return
		}
		out.item(m)
	}
	out.end(nil, nil)
}

func (s *Server) verify(w http.ResponseWriter, r *http.Request) {
	out := streamWriter{w: w}
	quiet := out.keepAlive()
	v, err := s.peer.Verify(r.Context(), func(d node.Damage) { out.item(d) })
	quiet()
	out.end(v, err)
}

func answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, v)
}
