package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/steady"
	"github.com/p2pchord/p2pchord/node"
)

// A local file does not go through the socket: the caller opens it, as far as it may,
// and hands the open file to the node, which reads or writes it itself.
//
//	POST /v1/store/{name}?size=N&modified=T&mode=M&copies=N&wait=W   stores the file handed over
//	POST /v1/save/{name}?version=V                            writes a file into the one handed over
//
// Both answer with a stream of lines, as puts do.

// passFrom is the size in bytes from which a download is worth asking for once more, with a file to write it to.
const passFrom = node.DefaultBlockSize

var errNoFile = fault.New(fault.Usage, "no open file came with the request")

// storeFile is the server's end of a put whose file is handed over.
func (s *Server) storeFile(w http.ResponseWriter, r *http.Request) {
	f, err := takeFile(r)
	if err != nil {
		writeError(w, err)
		return
	}
	defer func() { _ = f.Close() }() // it was only read
	o, err := putOptions(r)
	if err != nil {
		writeError(w, err)
		return
	}
	if o.Size, err = strconv.ParseInt(r.URL.Query().Get("size"), 10, 64); err != nil || o.Size < 0 {
		writeError(w, fault.New(fault.Usage, "size=%q is no size", r.URL.Query().Get("size")))
		return
	}
	in, err := steady.New(f, o.Size, o.Modified)
	if err != nil {
		writeError(w, fault.New(fault.Failed, "%w", err))
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

// saved is the result of a save.
type saved struct {
	Sources []string `json:"sources"`
}

// saveFile is the server's end of a get into a file that is handed over.
func (s *Server) saveFile(w http.ResponseWriter, r *http.Request) {
	dst, err := takeFile(r)
	if err != nil {
		writeError(w, err)
		return
	}
	defer func() { _ = dst.Close() }() // the caller has it too, and sees to its end
	out := streamWriter{w: w}
	f, err := s.peer.Get(r.Context(), r.PathValue("name"), node.GetOptions{Version: r.URL.Query().Get("version"), Progress: out.report})
	if err != nil {
		writeError(w, err)
		return
	}
	defer func() { _ = f.Close() }() // what counts has been written, or failed
	saver, ok := f.(interface{ Save(dst *os.File) error })
	if !ok {
		out.end(nil, fault.New(fault.Usage, "this peer writes to no files"))
		return
	}
	stop := out.keepAlive()
	err = saver.Save(dst)
	stop()
	if err != nil {
		if errors.Is(err, syscall.ENOSPC) {
			err = fault.New(fault.NoSpace, "%w", err)
		}
		out.end(nil, err)
		return
	}
	out.end(saved{Sources: f.Sources()}, nil)
}

// putOpen stores a file by handing it over.
func (c *Client) putOpen(ctx context.Context, name string, in *steady.File, q url.Values, o node.PutOptions) (res node.PutResult, err error) {
	q.Set("size", strconv.FormatInt(in.Size(), 10))
	q.Set("modified", in.Modified().Format(time.RFC3339Nano))
	err = c.handOver(ctx, "/v1/store/"+escape(name)+"?"+q.Encode(), in.Open(), o.Progress, &res)
	if err != nil && strings.Contains(err.Error(), steady.ErrChanged.Error()) {
		err = steady.ErrChanged // the node saw it, the file is the caller's
	}
	return res, err
}

// Save writes the file to dst: through the node when that is worth it, which goes on
// where an earlier Save was interrupted.
func (d *download) Save(dst *os.File) error {
	if passesFiles && d.done == 0 && d.info.Size > passFrom && d.size == d.info.Size {
		_ = d.Close() // the bytes that are on their way are not wanted
		var res saved
		path := "/v1/save/" + escape(d.info.Name) + "?version=" + url.QueryEscape(d.info.Version)
		if err := d.client.handOver(d.ctx, path, dst, d.progress, &res); err != nil {
			return err
		}
		d.sources = res.Sources
		return nil
	}
	if err := dst.Truncate(0); err != nil {
		return err
	}
	if _, err := dst.Seek(0, 0); err != nil {
		return err
	}
	_, err := d.WriteTo(dst)
	return err
}

// handOver sends a request with an open file and reads the stream that answers it. res may be set beside an error.
func (c *Client) handOver(ctx context.Context, path string, f *os.File, progress func(node.Progress), res any) error {
	resp, w, err := c.send(withFile(ctx, f), http.MethodPost, path, nil, func(req *http.Request, _ *watch) {
		req.Header.Set("Accept", ndjson)
	})
	if err != nil {
		return err
	}
	defer w.close(resp)
	last, err := readStream(w.reader(resp.Body), func(l line) error {
		if p := l.Progress; p != nil && progress != nil {
			progress(node.Progress{Done: p.Done, Total: p.Total, Copies: p.Copies, Path: p.Path, Waits: p.Waits})
		}
		return nil
	})
	if err != nil {
		return w.failed(err)
	}
	if last.Result != nil {
		if err := json.Unmarshal(last.Result, res); err != nil {
			return fault.New(fault.Failed, "the node's answer can't be read: %w", err)
		}
	}
	if last.Error != nil {
		return last.Error.Err()
	}
	return nil
}
