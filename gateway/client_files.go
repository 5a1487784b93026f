package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/steady"
	"github.com/p2pchord/p2pchord/node"
)

// Put streams r to the node. An error of r itself is returned as it is, and
// nothing is stored.
func (c *Client) Put(ctx context.Context, name string, r io.Reader, o node.PutOptions) (node.PutResult, error) {
	q := url.Values{}
	if o.Copies > 0 {
		q.Set("copies", strconv.Itoa(o.Copies))
	}
	if o.WaitAll {
		q.Set("wait", "all")
	}
	if !o.Modified.IsZero() {
		q.Set("modified", o.Modified.Format(time.RFC3339Nano))
	}
	if o.Mode != 0 {
		q.Set("mode", o.Mode.String())
	}
	if in, ok := r.(*steady.File); ok && passesFiles && in.Size() == o.Size {
		return c.putOpen(ctx, name, in, q, o)
	}
	body := &upload{r: r}
	resp, w, err := c.send(ctx, http.MethodPut, "/v1/files/"+escape(name)+"?"+q.Encode(), nil, func(req *http.Request, w *watch) {
		body.w = w
		req.Header.Set("Accept", ndjson)
		req.ContentLength = o.Size
		req.Body = http.NoBody
		if o.Size != 0 {
			req.Body = body
		}
	})
	if err != nil {
		return node.PutResult{}, body.errOr(err)
	}
	defer w.close(resp)
	last, err := readStream(w.reader(resp.Body), func(l line) error {
		if p := l.Progress; p != nil && o.Progress != nil {
			o.Progress(node.Progress{Done: p.Done, Total: p.Total, Copies: p.Copies, Path: p.Path, Waits: p.Waits})
		}
		return nil
	})
	if err != nil {
		return node.PutResult{}, body.errOr(w.failed(err))
	}
	var res node.PutResult
	if last.Result != nil {
		if err := json.Unmarshal(last.Result, &res); err != nil {
			return res, fault.New(fault.Failed, "the node's answer can't be read: %w", err)
		}
	}
	if last.Error != nil {
		return res, body.errOr(last.Error.Err())
	}
	return res, nil
}

// upload is the body of a put: it remembers why its reader failed, and leaves
// closing to whom the reader belongs.
type upload struct {
	r   io.Reader
	w   *watch
	mu  sync.Mutex
	err error
}

func (u *upload) Read(p []byte) (int, error) {
	u.w.waitSource(true)
	n, err := u.r.Read(p)
	u.w.waitSource(false)
	if err != nil && !errors.Is(err, io.EOF) {
		u.mu.Lock()
		u.err = err
		u.mu.Unlock()
	}
	return n, err
}

func (u *upload) Close() error { return nil }

// errOr returns the reader's own error if it failed, else err.
func (u *upload) errOr(err error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err != nil {
		return u.err
	}
	return err
}

// Get opens a file at the node.
func (c *Client) Get(ctx context.Context, name string, o node.GetOptions) (File, error) {
	if o.Offset < 0 && o.Length > 0 { // there is no such header
		st, err := c.Stat(ctx, name)
		if err != nil {
			return nil, err
		}
		o.Offset = max(st.Size+o.Offset, 0)
	}
	q := url.Values{}
	if o.Version != "" {
		q.Set("version", o.Version)
	}
	resp, w, err := c.send(ctx, http.MethodGet, "/v1/files/"+escape(name)+"?"+q.Encode(), nil, func(req *http.Request, _ *watch) {
		req.Header.Set("TE", "trailers")
		if o.Offset != 0 || o.Length > 0 {
			req.Header.Set("Range", rangeHeader(o))
		}
	})
	if err != nil {
		return nil, err
	}
	info, err := described(name, resp.Header)
	if err != nil {
		w.close(resp)
		return nil, err
	}
	begin, end, err := o.Within(info.Size)
	if err != nil {
		w.close(resp)
		return nil, err
	}
	w.pause()
	return &download{client: c, ctx: ctx, info: info, size: end - begin, resp: resp, w: w, progress: o.Progress}, nil
}

// download is a File that comes through the socket.
type download struct {
	client   *Client
	ctx      context.Context //nolint:containedctx // the call's, for a Save
	info     node.FileInfo
	resp     *http.Response
	w        *watch
	size     int64 // of the part that was asked for
	done     int64
	progress func(node.Progress)
	err      error    // what ended it, io.EOF included
	sources  []string // of a Save through the node
}

func (d *download) Info() node.FileInfo { return d.info }

func (d *download) Sources() []string {
	if d.sources != nil {
		return d.sources
	}
	s := d.resp.Trailer.Get(trailerSources)
	if s == "" {
		return []string{}
	}
	return strings.Split(s, ",")
}

func (d *download) Close() error {
	d.w.close(d.resp)
	return nil
}

func (d *download) WriteTo(w io.Writer) (int64, error) { return copyAll(w, d) }

// Read yields the bytes; io.EOF only when the node has said that they are all.
func (d *download) Read(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	n, err := d.w.reader(d.resp.Body).Read(p)
	d.done += int64(n)
	switch {
	case d.done > d.size:
		n, err = 0, fault.New(fault.Integrity, "more than the %d bytes came that were asked for", d.size)
	case errors.Is(err, io.EOF):
		err = d.verdict()
	case err != nil:
		err = d.w.failed(err)
	}
	d.err = err
	if d.progress != nil {
		d.progress(node.Progress{Done: d.done, Total: d.info.Size, Path: d.resp.Trailer.Get(trailerPath)})
	}
	return n, err
}

// verdict is io.EOF when the download is whole.
func (d *download) verdict() error {
	end := d.resp.Trailer.Get(trailerEnd)
	code, quoted, failed := strings.Cut(end, " ")
	switch {
	case end == "":
		return d.w.failed(io.ErrUnexpectedEOF)
	case failed:
		msg, err := strconv.Unquote(quoted)
		if err != nil {
			msg = quoted
		}
		return Problem{Code: fault.Code(code), Message: msg}.Err()
	case d.done != d.size:
		return fault.New(fault.Integrity, "%d bytes came of %d", d.done, d.size)
	}
	return io.EOF
}
