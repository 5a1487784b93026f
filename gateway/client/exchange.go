package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// exchange makes a call whose answer is one JSON object.
func (c *Client) exchange(ctx context.Context, method, path string, into any) error {
	resp, call, err := c.send(ctx, method, path, nil, nil)
	if err != nil {
		return err
	}
	defer call.close(resp)
	if into == nil {
		return nil
	}
	return call.object(resp.Body, into)
}

// object reads an answer that is one JSON object.
func (c *call) object(r io.Reader, into any) error {
	body, err := io.ReadAll(c.reader(r))
	if err != nil {
		return c.failed(err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fault.New(fault.Failed, "the node's answer can't be read: %w", err)
	}
	return nil
}

// reported makes a call that the node answers item by item, and returns its result.
func (c *Client) reported(ctx context.Context, path string, each func(json.RawMessage) error) (json.RawMessage, error) {
	resp, call, err := c.send(ctx, http.MethodPost, path, nil, nil)
	if err != nil {
		return nil, err
	}
	defer call.close(resp)
	return call.stream(resp.Body, func(l api.Line) error { return each(l.Item) })
}

// items reads a stream of T.
func items[T any](ctx context.Context, c *Client, path string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		resp, call, err := c.send(ctx, http.MethodGet, path, nil, nil)
		if err != nil {
			yield(zero, err)
			return
		}
		defer call.close(resp)
		stopped := errors.New("the caller stopped")
		_, err = call.stream(resp.Body, func(l api.Line) error {
			var v T
			if err := json.Unmarshal(l.Item, &v); err != nil {
				return err
			}
			if !yield(v, nil) {
				return stopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, stopped) {
			yield(zero, err)
		}
	}
}

// send sends a request and returns the answer if its status is good. The caller closes the call
// with the response.
func (c *Client) send(ctx context.Context, method, path string, body io.Reader, edit func(*http.Request, *call)) (*http.Response, *call, error) {
	call := c.begin(ctx)
	req, err := http.NewRequestWithContext(call.ctx, method, "http://p2pchord"+path, body) //nolint:contextcheck,gosec // the call's context derives from ctx; every request goes to the one socket
	if err != nil {
		call.close(nil)
		return nil, nil, fault.New(fault.Usage, "can't ask for %s: %w", path, err)
	}
	if edit != nil {
		edit(req, call)
	}
	resp, err := c.http.Do(req) //nolint:gosec // as above
	if err != nil {
		defer call.close(nil)
		return nil, nil, call.failed(err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		defer call.close(resp)
		return nil, nil, call.refusal(resp)
	}
	return resp, call, nil
}

// escape returns name as a path: percent-encoded except for letters, digits, '-', '_', '~', '.',
// and the '/' between its parts.
func escape(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}
