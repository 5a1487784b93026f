package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/gateway/internal/socket"
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
	if in, ok := r.(*steady.File); ok && socket.HandsOver && in.Size() == o.Size {
		return c.putHandedOver(ctx, name, in, q, o)
	}
	body := &upload{r: r}
	resp, call, err := c.send(ctx, http.MethodPut, "/v1/files/"+escape(name)+"?"+q.Encode(), nil, func(req *http.Request, c *call) {
		body.call = c
		req.Header.Set("Accept", api.NDJSON)
		req.ContentLength = o.Size
		req.Body = http.NoBody
		if o.Size != 0 {
			req.Body = body
		}
	})
	if err != nil {
		return node.PutResult{}, body.errOr(err)
	}
	defer call.close(resp)
	last, err := api.ReadStream(call.reader(resp.Body), func(l api.Line) error {
		if p := l.Progress; p != nil && o.Progress != nil {
			o.Progress(p.Node())
		}
		return nil
	})
	if err != nil {
		return node.PutResult{}, body.errOr(call.failed(err))
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

// upload is the body of a put. It records why its reader failed, and leaves closing to the owner of
// the reader.
type upload struct {
	r    io.Reader
	call *call
	mu   sync.Mutex
	err  error
}

func (u *upload) Read(p []byte) (int, error) {
	u.call.waitSource(true)
	n, err := u.r.Read(p)
	u.call.waitSource(false)
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
