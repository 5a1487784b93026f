package gateway

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/gateway/internal/web"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// getFile answers GET /v1/files/{name}: the file, or one range of it.
func (s *Server) getFile(w http.ResponseWriter, r *http.Request) {
	var path atomic.Value // the last one reported: "direct" or "relayed"
	path.Store("")
	o := node.GetOptions{Version: r.URL.Query().Get("version"), Progress: func(p node.Progress) { path.Store(p.Path) }}
	ranged := api.ParseRange(r.Header.Get("Range"), &o)
	f, err := s.peer.Get(r.Context(), r.PathValue("name"), o)
	if match := r.Header.Get("If-Range"); err == nil && ranged && match != "" && match != api.ETag(f.Info()) {
		// the range is one of another version: send all of this one
		ranged, o.Offset, o.Length = false, 0, 0
		_ = f.Close() // nothing was read
		f, err = s.peer.Get(r.Context(), r.PathValue("name"), o)
	}
	if err != nil {
		s.refuseRange(w, r, ranged, err)
		return
	}
	defer func() { _ = f.Close() }() // what counts has been written, or failed
	h := w.Header()
	api.SetHeaders(h, f.Info())
	if r.Header.Get("If-None-Match") == api.ETag(f.Info()) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	begin, end, err := o.Within(f.Info().Size)
	if err != nil {
		web.Error(w, err) // Get would have failed
		return
	}
	knowsTrailers := strings.Contains(r.Header.Get("TE"), "trailers")
	if knowsTrailers {
		h.Set("Trailer", strings.Join([]string{api.TrailerEnd, api.TrailerSources, api.TrailerPath}, ", "))
	} else {
		h.Set("Content-Length", strconv.FormatInt(end-begin, 10))
	}
	if ranged && end > begin { // an empty file has no range, and is sent whole
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", begin, end-1, f.Info().Size))
		w.WriteHeader(http.StatusPartialContent)
	}
	n, err := f.WriteTo(w)
	if err == nil && n != end-begin {
		err = fault.New(fault.Integrity, "%d bytes came of %d", n, end-begin)
	}
	if err != nil && !knowsTrailers {
		// breaks the connection, so that the client doesn't take this for the whole
		panic(http.ErrAbortHandler)
	}
	verdict := api.EndOK
	if err != nil {
		p := api.ProblemOf(err)
		verdict = string(p.Code) + " " + strconv.QuoteToASCII(p.Message)
	}
	h.Set(api.TrailerEnd, verdict)
	h.Set(api.TrailerSources, strings.Join(f.Sources(), ","))
	h.Set(api.TrailerPath, path.Load().(string))
}

// refuseRange answers a get that failed: with 416 and the size if the file doesn't have the range.
func (s *Server) refuseRange(w http.ResponseWriter, r *http.Request, ranged bool, err error) {
	if ranged && fault.CodeOf(err) == fault.Usage {
		if st, serr := s.peer.Stat(r.Context(), r.PathValue("name")); serr == nil {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", st.Size))
			web.JSON(w, http.StatusRequestedRangeNotSatisfiable, map[string]api.Problem{"error": api.ProblemOf(err)})
			return
		}
	}
	web.Error(w, err)
}
