package gateway

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/gateway/internal/web"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

func (s *Server) listFiles(w http.ResponseWriter, r *http.Request) {
	out := streamWriter{w: w}
	for f, err := range s.peer.List(r.Context(), r.URL.Query().Get("prefix")) {
		if err != nil {
			out.end(nil, err)
			return
		}
		out.item(f)
	}
	out.end(nil, nil)
}

func (s *Server) statFile(w http.ResponseWriter, r *http.Request) {
	v, err := s.peer.Stat(r.Context(), r.PathValue("name"))
	web.Answer(w, v, err)
}

func (s *Server) lookupFile(w http.ResponseWriter, r *http.Request) {
	v, err := s.peer.Lookup(r.Context(), r.PathValue("name"))
	web.Answer(w, v, err)
}

func (s *Server) removeFile(w http.ResponseWriter, r *http.Request) {
	err := s.peer.Remove(r.Context(), r.PathValue("name"))
	web.Answer(w, struct{}{}, err)
}

func (s *Server) headFile(w http.ResponseWriter, r *http.Request) {
	v, err := s.peer.Stat(r.Context(), r.PathValue("name"))
	if err != nil {
		web.Error(w, err)
		return
	}
	api.SetHeaders(w.Header(), v.FileInfo)
	if r.Header.Get("If-None-Match") == api.ETag(v.FileInfo) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Length", strconv.FormatInt(v.Size, 10))
}

func (s *Server) putFile(w http.ResponseWriter, r *http.Request) {
	o, err := putOptions(r)
	if err != nil {
		web.Error(w, err)
		return
	}
	if !strings.Contains(r.Header.Get("Accept"), api.NDJSON) {
		res, err := s.peer.Put(r.Context(), r.PathValue("name"), r.Body, o)
		if fault.CodeOf(err) == fault.FewerCopies {
			web.JSON(w, http.StatusOK, struct {
				node.PutResult
				Error api.Problem `json:"error"`
			}{res, api.ProblemOf(err)})
			return
		}
		web.Answer(w, res, err)
		return
	}
	// Progress goes out while the body is still coming in.
	if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
		web.Error(w, err)
		return
	}
	out := streamWriter{w: w}
	o.Progress = out.report
	stop := out.keepAlive() // the put may have to wait for memory before it reads the first byte
	res, err := s.peer.Put(r.Context(), r.PathValue("name"), r.Body, o)
	stop()
	if err != nil && fault.CodeOf(err) != fault.FewerCopies {
		out.end(nil, err)
		return
	}
	out.end(res, err)
}

func putOptions(r *http.Request) (node.PutOptions, error) {
	o := node.PutOptions{Size: r.ContentLength}
	if o.Size < 0 {
		o.Size = node.SizeUnknown
	}
	q := r.URL.Query()
	if c := q.Get("copies"); c != "" {
		n, err := strconv.Atoi(c)
		if err != nil || n < 1 {
			return o, fault.New(fault.Usage, "copies=%q is not a number of copies", c)
		}
		o.Copies = n
	}
	switch wait := q.Get("wait"); wait {
	case "", "majority":
	case "all":
		o.WaitAll = true
	default:
		return o, fault.New(fault.Usage, "wait=%q: it is majority or all", wait)
	}
	if m := q.Get("modified"); m != "" {
		t, err := time.Parse(time.RFC3339Nano, m)
		if err != nil {
			return o, fault.New(fault.Usage, "modified=%q is not an RFC 3339 time", m)
		}
		o.Modified = t
	}
	var err error
	o.Mode, err = node.ParseMode(q.Get("mode"))
	return o, err
}
