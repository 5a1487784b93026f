package gateway

import (
	"errors"
	"net/http"
	"strconv"
	"syscall"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/gateway/internal/socket"
	"github.com/p2pchord/p2pchord/gateway/internal/web"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/steady"
	"github.com/p2pchord/p2pchord/node"
)

// A local file does not go through the socket. The client opens it, as far as it is allowed to, and
// hands the open file to the node, which reads or writes it itself.
//
//	POST /v1/store/{name}?size=N&modified=T&mode=M&copies=N&wait=W   stores the file
//	POST /v1/save/{name}?version=V                                   writes into the file
//
// Both answer with a stream of lines, as puts do.

// storeFile stores a file that is handed over.
func (s *Server) storeFile(w http.ResponseWriter, r *http.Request) {
	f, err := socket.TakeFile(r)
	if err != nil {
		web.Error(w, err)
		return
	}
	defer func() { _ = f.Close() }() // it was only read
	o, err := putOptions(r)
	if err != nil {
		web.Error(w, err)
		return
	}
	if o.Size, err = strconv.ParseInt(r.URL.Query().Get("size"), 10, 64); err != nil || o.Size < 0 {
		web.Error(w, fault.New(fault.Usage, "size=%q is not a size", r.URL.Query().Get("size")))
		return
	}
	in, err := steady.New(f, o.Size, o.Modified)
	if err != nil {
		web.Error(w, fault.New(fault.Failed, "%w", err))
		return
	}
	out := streamWriter{w: w}
	o.Progress = out.report
	stop := out.keepAlive()
	res, err := s.peer.Put(r.Context(), r.PathValue("name"), in, o)
	stop()
	if err != nil && fault.CodeOf(err) != fault.FewerCopies {
		out.end(nil, err)
		return
	}
	out.end(res, err)
}

// saveFile writes a file of the ring into one that is handed over.
func (s *Server) saveFile(w http.ResponseWriter, r *http.Request) {
	dst, err := socket.TakeFile(r)
	if err != nil {
		web.Error(w, err)
		return
	}
	defer func() { _ = dst.Close() }() // the client has it too, and completes it
	out := streamWriter{w: w}
	f, err := s.peer.Get(r.Context(), r.PathValue("name"), node.GetOptions{Version: r.URL.Query().Get("version"), Progress: out.report})
	if err != nil {
		web.Error(w, err)
		return
	}
	defer func() { _ = f.Close() }() // what counts has been written, or failed
	stop := out.keepAlive()
	err = f.Save(dst)
	stop()
	if err != nil {
		if errors.Is(err, syscall.ENOSPC) {
			err = fault.New(fault.NoSpace, "%w", err)
		}
		out.end(nil, err)
		return
	}
	out.end(api.Saved{Sources: f.Sources()}, nil)
}
