package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/gateway/internal/socket"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/steady"
	"github.com/p2pchord/p2pchord/node"
)

// handOverFrom is the size in bytes from which it is worth asking for a download once more, with a
// file for the node to write.
const handOverFrom = node.DefaultBlockSize

// putHandedOver stores a file by handing it over: the node reads it itself.
func (c *Client) putHandedOver(ctx context.Context, name string, in *steady.File, q url.Values, o node.PutOptions) (res node.PutResult, err error) {
	q.Set("size", strconv.FormatInt(in.Size(), 10))
	q.Set("modified", in.Modified().Format(time.RFC3339Nano))
	err = c.handOver(ctx, "/v1/store/"+escape(name)+"?"+q.Encode(), in.Open(), o.Progress, &res)
	if errors.Is(err, steady.ErrChanged) {
		err = steady.ErrChanged // the same as if this process had read the file
	}
	return res, err
}

// Save writes the file to dst. If it is large, the node writes it, and continues where an earlier
// Save was interrupted.
func (d *download) Save(dst *os.File) error {
	if socket.HandsOver && d.done == 0 && d.info.Size > handOverFrom && d.size == d.info.Size {
		_ = d.Close() // the bytes under way are not needed
		var res api.Saved
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

// handOver sends a request with an open file and reads the stream that answers it. It may set res
// even if it returns an error.
func (c *Client) handOver(ctx context.Context, path string, f *os.File, progress func(node.Progress), res any) error {
	resp, call, err := c.send(socket.WithFile(ctx, f), http.MethodPost, path, nil, func(req *http.Request, _ *call) {
		req.Header.Set("Accept", api.NDJSON)
	})
	if err != nil {
		return err
	}
	defer call.close(resp)
	last, err := api.ReadStream(call.reader(resp.Body), func(l api.Line) error {
		if p := l.Progress; p != nil && progress != nil {
			progress(p.Node())
		}
		return nil
	})
	if err != nil {
		return call.failed(err)
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
