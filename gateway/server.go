package gateway

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// Server answers for one peer.
type Server struct {
	peer    Peer
	metrics *Metrics
	path    string
	listen  net.Listener
	http    *http.Server
	served  chan struct{}
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

// Serve answers for p on the Unix socket at path until Close, with metrics unless they are nil.
func Serve(path string, p Peer, metrics *Metrics) (*Server, error) {
	l, err := listen(path)
	if err != nil {
		return nil, err
	}
	s := &Server{peer: p, metrics: metrics, path: path, listen: l, served: make(chan struct{})}
	s.open, s.close = context.WithCancel(context.Background())
	s.http = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: idleServer, ConnContext: withConn}
	go func() {
		defer close(s.served)
		_ = s.http.Serve(passListener{l}) // ends with the listener; a failed accept leaves the node without its API
	}()
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
	<-s.served
	return err
}

// withdraw takes the socket away: nobody new is answered, and a successor in the
// same data folder finds the place free.
func (s *Server) withdraw() {
	s.retire.Do(func() {
		_ = os.Remove(s.path) // gone already, or replaced as stale later
		_ = s.listen.Close()
	})
}

func (s *Server) handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /v1/self", s.getSelf)
	m.HandleFunc("GET /v1/status", s.getStatus)
	m.HandleFunc("GET /v1/health", s.getHealth)
	m.HandleFunc("GET /v1/members", s.getMembers)
	m.HandleFunc("GET /v1/files", s.listFiles)
	m.HandleFunc("PUT /v1/files/{name...}", s.putFile)
	m.HandleFunc("GET /v1/files/{name...}", s.getFile)
	m.HandleFunc("POST /v1/store/{name...}", s.storeFile)
	m.HandleFunc("POST /v1/save/{name...}", s.saveFile)
	m.HandleFunc("HEAD /v1/files/{name...}", s.headFile)
	m.HandleFunc("DELETE /v1/files/{name...}", s.removeFile)
	m.HandleFunc("GET /v1/stat/{name...}", s.statFile)
	m.HandleFunc("GET /v1/lookup/{name...}", s.lookupFile)
	m.HandleFunc("GET /v1/trace/{name...}", s.traceFile)
	m.HandleFunc("GET /v1/peers", s.getPeers)
	m.HandleFunc("POST /v1/netcheck", s.checkNetwork)
	m.HandleFunc("GET /v1/share", s.watchFolder)
	m.HandleFunc("POST /v1/verify", s.verify)
	m.HandleFunc("POST /v1/leave", s.leave)
	m.HandleFunc("POST /v1/quit", s.quit)
	if s.metrics != nil {
		m.Handle("GET /metrics", s.metrics.Handler())
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
		m.ServeHTTP(w, r)
	})
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
