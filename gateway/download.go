package gateway

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// getFile answers GET /v1/files/{name}: the file, or one range of it.
func (s *Server) getFile(w http.ResponseWriter, r *http.Request) {
	var path atomic.Value // the last one told: "direct" or "relayed"
	path.Store("")
	o := node.GetOptions{Version: r.URL.Query().Get("version"), Progress: func(p node.Progress) { path.Store(p.Path) }}
	ranged := rangeOf(r.Header.Get("Range"), &o)
	f, err := s.peer.Get(r.Context(), r.PathValue("name"), o)
	if match := r.Header.Get("If-Range"); err == nil && ranged && match != "" && match != etag(f.Info()) {
		ranged, o.Offset, o.Length = false, 0, 0 // the range is of another version: all of this one
		_ = f.Close()                            // nothing was read
		f, err = s.peer.Get(r.Context(), r.PathValue("name"), o)
	}
	if err != nil {
		s.refuseRange(w, r, ranged, err)
		return
	}
	defer func() { _ = f.Close() }() // what counts has been written, or failed
	h := w.Header()
	describe(h, f.Info())
	if r.Header.Get("If-None-Match") == etag(f.Info()) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	begin, end, err := o.Within(f.Info().Size)
	if err != nil {
		writeError(w, err) // Get would have said so
		return
	}
	knowsTrailers := strings.Contains(r.Header.Get("TE"), "trailers")
	if knowsTrailers {
		h.Set("Trailer", strings.Join([]string{trailerEnd, trailerSources, trailerPath}, ", "))
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
		panic(http.ErrAbortHandler) // net/http's way to break the connection: the client must not take this for the whole
	}
	said := endOK
	if err != nil {
		p := ProblemOf(err)
		said = string(p.Code) + " " + strconv.QuoteToASCII(p.Message)
	}
	h.Set(trailerEnd, said)
	h.Set(trailerSources, strings.Join(f.Sources(), ","))
	h.Set(trailerPath, path.Load().(string))
}

// refuseRange answers a get that failed; with 416 and the size when it is the range
// that the file doesn't have.
func (s *Server) refuseRange(w http.ResponseWriter, r *http.Request, ranged bool, err error) {
	if ranged && fault.CodeOf(err) == fault.Usage {
		if st, serr := s.peer.Stat(r.Context(), r.PathValue("name")); serr == nil {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", st.Size))
			writeJSON(w, http.StatusRequestedRangeNotSatisfiable, map[string]Problem{"error": ProblemOf(err)})
			return
		}
	}
	writeError(w, err)
}

// rangeOf reads a Range header into o, and tells whether it asks for one range. What
// it doesn't understand, and more ranges than one, means all, as RFC 9110 allows.
func rangeOf(header string, o *node.GetOptions) bool {
	spec, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok || !dash {
		return false
	}
	a, errA := strconv.ParseUint(first, 10, 62)
	b, errB := strconv.ParseUint(last, 10, 62)
	switch {
	case errA == nil && last == "":
		o.Offset = int64(a)
	case errA == nil && errB == nil && a <= b:
		o.Offset, o.Length = int64(a), int64(b-a)+1
	case first == "" && errB == nil && b > 0:
		o.Offset = -int64(b)
	case first == "" && errB == nil:
		o.Length = -1 // the last 0 bytes: no file has such a range
	default:
		return false
	}
	return true
}

// rangeHeader is the reverse of rangeOf.
func rangeHeader(o node.GetOptions) string {
	switch {
	case o.Offset < 0:
		return fmt.Sprintf("bytes=%d", o.Offset)
	case o.Length > 0:
		return fmt.Sprintf("bytes=%d-%d", o.Offset, o.Offset+min(o.Length, 1<<61)-1)
	}
	return fmt.Sprintf("bytes=%d-", o.Offset)
}
