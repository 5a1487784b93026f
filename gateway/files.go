package gateway

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// The headers that describe a file, and the trailers of a download.
const (
	headerSize     = "P2pchord-Size"
	headerKey      = "P2pchord-Key"
	headerHash     = "P2pchord-Hash"
	headerVersion  = "P2pchord-Version"
	headerModified = "P2pchord-Modified"
	headerCopies   = "P2pchord-Copies"
	headerMode     = "P2pchord-Mode"

	trailerEnd     = "P2pchord-End"     // "ok", or an error's code, a space, its message
	trailerSources = "P2pchord-Sources" // peer IDs, a comma between
	trailerPath    = "P2pchord-Path"    // "direct" or "relayed"
	endOK          = "ok"
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
	answer(w, v, err)
}

func (s *Server) lookupFile(w http.ResponseWriter, r *http.Request) {
	v, err := s.peer.Lookup(r.Context(), r.PathValue("name"))
	answer(w, v, err)
}

func (s *Server) removeFile(w http.ResponseWriter, r *http.Request) {
	err := s.peer.Remove(r.Context(), r.PathValue("name"))
	answer(w, struct{}{}, err)
}

func (s *Server) headFile(w http.ResponseWriter, r *http.Request) {
	v, err := s.peer.Stat(r.Context(), r.PathValue("name"))
	if err != nil {
		writeError(w, err)
		return
	}
	describe(w.Header(), v.FileInfo)
	if r.Header.Get("If-None-Match") == etag(v.FileInfo) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Length", strconv.FormatInt(v.Size, 10))
}

func (s *Server) putFile(w http.ResponseWriter, r *http.Request) {
	o, err := putOptions(r)
	if err != nil {
		writeError(w, err)
		return
	}
	if !strings.Contains(r.Header.Get("Accept"), ndjson) {
		res, err := s.peer.Put(r.Context(), r.PathValue("name"), r.Body, o)
		if fault.CodeOf(err) == fault.FewerCopies {
			writeJSON(w, http.StatusOK, struct {
				node.PutResult
				Error Problem `json:"error"`
			}{res, ProblemOf(err)})
			return
		}
		answer(w, res, err)
		return
	}
	// Progress goes out while the body is still coming in.
	if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
		writeError(w, err)
		return
	}
	out := streamWriter{w: w}
	o.Progress = out.report
	stop := out.keepAlive() // it may have to wait for memory before it takes the first byte
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
			return o, fault.New(fault.Usage, "copies=%q is no number of copies", c)
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
			return o, fault.New(fault.Usage, "modified=%q is no time of RFC 3339", m)
		}
		o.Modified = t
	}
	var err error
	o.Mode, err = node.ParseMode(q.Get("mode"))
	return o, err
}

// describe puts what is known of a file into headers.
func describe(h http.Header, i node.FileInfo) {
	h.Set(headerSize, strconv.FormatInt(i.Size, 10))
	h.Set(headerKey, strconv.Itoa(int(i.Key)))
	h.Set(headerHash, i.Hash)
	h.Set(headerVersion, i.Version)
	h.Set(headerModified, i.Modified.Format(time.RFC3339Nano))
	h.Set(headerCopies, strconv.Itoa(i.Copies))
	if i.Mode != 0 {
		h.Set(headerMode, i.Mode.String())
	}
	h.Set("ETag", etag(i))
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Type", "application/octet-stream")
	h.Set("X-Content-Type-Options", "nosniff")
}

// etag is the version: another content is another version.
func etag(i node.FileInfo) string { return strconv.Quote(i.Version) }

// described is the reverse of describe.
func described(name string, h http.Header) (node.FileInfo, error) {
	i := node.FileInfo{Name: name, Hash: h.Get(headerHash), Version: h.Get(headerVersion)}
	size, err1 := strconv.ParseInt(h.Get(headerSize), 10, 64)
	key, err2 := strconv.ParseUint(h.Get(headerKey), 10, 16)
	copies, err3 := strconv.Atoi(h.Get(headerCopies))
	modified, err4 := time.Parse(time.RFC3339Nano, h.Get(headerModified))
	mode, err5 := node.ParseMode(h.Get(headerMode))
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return i, fault.New(fault.Failed, "the node's answer can't be read: %w", err)
	}
	i.Size, i.Key, i.Copies, i.Modified, i.Mode = size, uint16(key), copies, modified, mode
	return i, nil
}

// copyBuffer is what io.Copy would allocate, larger.
const copyBuffer = 256 << 10

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, copyBuffer); return &b }}

// copyAll copies r to w without asking either for shortcuts.
func copyAll(w io.Writer, r io.Reader) (int64, error) {
	buf := copyBuffers.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
	defer copyBuffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, *buf)
}
