package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// Get opens a file at the node.
func (c *Client) Get(ctx context.Context, name string, o node.GetOptions) (api.File, error) {
	if o.Offset < 0 && o.Length > 0 { // a Range header can't say this
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
	resp, call, err := c.send(ctx, http.MethodGet, "/v1/files/"+escape(name)+"?"+q.Encode(), nil, func(req *http.Request, _ *call) {
		req.Header.Set("TE", "trailers")
		if o.Offset != 0 || o.Length > 0 {
			req.Header.Set("Range", api.RangeHeader(o))
		}
	})
	if err != nil {
		return nil, err
	}
	info, err := api.ParseHeaders(name, resp.Header)
	if err != nil {
		call.close(resp)
		return nil, err
	}
	begin, end, err := o.Within(info.Size)
	if err != nil {
		call.close(resp)
		return nil, err
	}
	call.pause()
	return &download{client: c, ctx: ctx, info: info, size: end - begin, resp: resp, call: call, progress: o.Progress}, nil
}

// download is a file that comes through the socket.
type download struct {
	client   *Client
	ctx      context.Context //nolint:containedctx // of the call, for Save
	info     node.FileInfo
	resp     *http.Response
	call     *call
	size     int64 // of the requested part
	done     int64
	progress func(node.Progress)
	err      error    // what ended it, io.EOF included
	sources  []string // of a Save by the node
}

func (d *download) Info() node.FileInfo { return d.info }

func (d *download) Sources() []string {
	if d.sources != nil {
		return d.sources
	}
	s := d.resp.Trailer.Get(api.TrailerSources)
	if s == "" {
		return []string{}
	}
	return strings.Split(s, ",")
}

func (d *download) Close() error {
	d.call.close(d.resp)
	return nil
}

func (d *download) WriteTo(w io.Writer) (int64, error) { return copyAll(w, d) }

// Read yields the bytes. It returns io.EOF only when the node has said that these are all.
func (d *download) Read(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	n, err := d.call.reader(d.resp.Body).Read(p)
	d.done += int64(n)
	switch {
	case d.done > d.size:
		n, err = 0, fault.New(fault.Integrity, "more than the %d bytes came that were asked for", d.size)
	case errors.Is(err, io.EOF):
		err = d.verdict()
	case err != nil:
		err = d.call.failed(err)
	}
	d.err = err
	if d.progress != nil {
		d.progress(node.Progress{Done: d.done, Total: d.info.Size, Path: d.resp.Trailer.Get(api.TrailerPath)})
	}
	return n, err
}

// verdict returns io.EOF if the download is whole.
func (d *download) verdict() error {
	end := d.resp.Trailer.Get(api.TrailerEnd)
	code, quoted, failed := strings.Cut(end, " ")
	switch {
	case end == "":
		return d.call.failed(io.ErrUnexpectedEOF)
	case failed:
		msg, err := strconv.Unquote(quoted)
		if err != nil {
			msg = quoted
		}
		return api.Problem{Code: fault.Code(code), Message: msg}.Err()
	case d.done != d.size:
		return fault.New(fault.Integrity, "%d bytes came of %d", d.done, d.size)
	}
	return io.EOF
}

// copyBuffer is the size of the buffers of copies and connections, in bytes.
const copyBuffer = 256 << 10

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, copyBuffer); return &b }}

// copyAll copies r to w without the shortcuts that either may offer.
func copyAll(w io.Writer, r io.Reader) (int64, error) {
	buf := copyBuffers.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
	defer copyBuffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, *buf)
}
