package gateway

import (
	_ "embed"
	"net/http"
	"path"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/gateway/internal/web"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// routes returns all calls. openapi.yaml describes each of them.
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
		"POST /v1/network":           s.manageNetwork,
		"GET /v1/share":              s.watchFolder,
		"POST /v1/verify":            s.verify,
		"POST /v1/leave":             s.leave,
		"POST /v1/quit":              s.quit,
		"GET /v1/events":             s.sendEvents,
		"GET /v1/openapi.yaml":       sendOpenAPI,
	}
	if s.metrics != nil {
		all["GET /metrics"] = s.metrics.ServeHTTP
	}
	return all
}

func (s *Server) handler() http.Handler {
	m := http.NewServeMux()
	for pattern, h := range s.routes() {
		m.HandleFunc(pattern, h)
	}
	m.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		web.Error(w, fault.New(fault.Usage, "no such call: %s %s", r.Method, r.URL.Path))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The mux would redirect these to another name.
		if p := path.Clean(r.URL.Path); p != r.URL.Path {
			web.Error(w, fault.New(fault.Usage, "a name has no empty part, no '.' and no '..': %q", r.URL.Path))
			return
		}
		web.Contain(m, w, r)
	})
}

func (s *Server) getSelf(w http.ResponseWriter, _ *http.Request) {
	web.JSON(w, http.StatusOK, api.Self{PeerID: s.peer.PeerID(), RingAddress: s.peer.RingAddress()})
}

func (s *Server) getStatus(w http.ResponseWriter, r *http.Request) {
	v, err := s.peer.Status(r.Context())
	web.Answer(w, v, err)
}

func (s *Server) getHealth(w http.ResponseWriter, r *http.Request) {
	v, err := s.peer.Health(r.Context())
	web.Answer(w, v, err)
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
	stop := out.keepAlive()
	v, err := s.peer.Verify(r.Context(), func(d node.Damage) { out.item(d) })
	stop()
	out.end(v, err)
}

//go:embed openapi.yaml
var openAPI []byte

func sendOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(openAPI) // it fails when the client has gone
}
