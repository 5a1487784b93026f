package gateway

import (
	"encoding/json"
	"net/http"

	"github.com/p2pchord/p2pchord/gateway/internal/web"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership/manage"
)

// maxManage bounds a request in bytes: an import has all statements of a network, in base64.
const maxManage = 32 << 20

// manageNetwork shows or changes the private network of the peer.
func (s *Server) manageNetwork(w http.ResponseWriter, r *http.Request) {
	var req manage.Request
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxManage))
	if err := d.Decode(&req); err != nil {
		web.Error(w, fault.New(fault.Usage, "the request can't be read: %w", fault.OneLine(err)))
		return
	}
	v, err := s.peer.ManageNetwork(r.Context(), req)
	web.Answer(w, v, err)
}
