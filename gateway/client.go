package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"iter"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

const (
	// dialTimeout is how long a running node may take to say who it is.
	dialTimeout = 10 * time.Second
	// silence is how long a node may say nothing and take nothing in the middle of a
	// call before it is given up: several times its own default --timeout, so that it
	// can first try what it tries when a peer doesn't answer.
	silence = time.Minute
)

// Client works on a running node through its socket. It is a Peer.
type Client struct {
	path    string
	http    *http.Client
	silence time.Duration
	self    Self
	gone    atomic.Bool
}

var _ Peer = (*Client)(nil)

// Dial connects to the node that serves the socket at path. A call in which
// nothing moves for idle ends with fault.TryAgain; idle 0 leaves that to the
// node's own limits as far as it answers at all. Without a running node the
// error is fault.Unreachable.
func Dial(ctx context.Context, path string, idle time.Duration) (*Client, error) {
	c := &Client{path: path, silence: silence}
	dial := func(ctx context.Context) (net.Conn, error) {
		conn, err := dialSocket(ctx, placeOf(path))
		if err != nil {
			return nil, err
		}
		return asPassing(conn), nil
	}
	c.http = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &straight{dial: dial, others: &http.Transport{
			DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
			DisableCompression:  true,
			MaxIdleConnsPerHost: 32,
			IdleConnTimeout:     idleClient,
			ReadBufferSize:      copyBuffer,
			WriteBufferSize:     copyBuffer,
		}},
	}
	wait := dialTimeout
	if idle > 0 {
		c.silence, wait = idle, min(idle, wait)
	}
	hello := &Client{path: path, http: c.http, silence: wait}
	if err := hello.greet(ctx, &c.self); err != nil {
		_ = c.Close()
		if fault.CodeOf(err) == fault.TryAgain && !errors.Is(err, errNoSocket) {
			return nil, fault.New(fault.Unreachable, "the node of %s doesn't answer: is it stopped?", filepath.Dir(path))
		}
		return nil, err
	}
	return c, nil
}

// Close drops the connections. The node runs on.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// PeerID is the node's.
func (c *Client) PeerID() string { return c.self.PeerID }

// RingAddress is the node's HOST:PORT, or empty.
func (c *Client) RingAddress() string { return c.self.RingAddress }

// Status asks the node for its state.
func (c *Client) Status(ctx context.Context) (s node.Status, err error) {
	return s, c.call(ctx, http.MethodGet, "/v1/status", &s)
}

// Health asks the node for its state, without the files.
func (c *Client) Health(ctx context.Context) (s node.Status, err error) {
	return s, c.call(ctx, http.MethodGet, "/v1/health", &s)
}

// Stat asks for everything about a file.
func (c *Client) Stat(ctx context.Context, name string) (s node.FileStat, err error) {
	return s, c.call(ctx, http.MethodGet, "/v1/stat/"+escape(name), &s)
}

// Lookup asks who owns name.
func (c *Client) Lookup(ctx context.Context, name string) (l node.Lookup, err error) {
	return l, c.call(ctx, http.MethodGet, "/v1/lookup/"+escape(name), &l)
}

// Remove deletes a file everywhere.
func (c *Client) Remove(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodDelete, "/v1/files/"+escape(name), nil)
}

// List yields the files whose names begin with prefix.
func (c *Client) List(ctx context.Context, prefix string) iter.Seq2[node.FileInfo, error] {
	return items[node.FileInfo](ctx, c, "/v1/files?prefix="+url.QueryEscape(prefix))
}

// Members yields the peers of the ring.
func (c *Client) Members(ctx context.Context) iter.Seq2[node.Member, error] {
	return items[node.Member](ctx, c, "/v1/members")
}

// Leave makes the node leave. When it returns, the data folder is free.
func (c *Client) Leave(ctx context.Context, report func(node.HandOver)) error {
	return c.depart(ctx, "/v1/leave", report)
}

// Quit makes the node quit; the time until ctx's deadline is what it has to hand
// over files, DefaultWithin when there is none. When it returns, the data folder is free.
func (c *Client) Quit(ctx context.Context, report func(node.HandOver)) error {
	within := DefaultWithin
	if d, ok := ctx.Deadline(); ok {
		within = max(time.Until(d), 0)
	}
	// The node keeps to the time; here only its silence counts.
	ctx, cancel := withoutDeadline(ctx)
	defer cancel()
	return c.depart(ctx, "/v1/quit?within="+within.String(), report)
}

func (c *Client) depart(ctx context.Context, path string, report func(node.HandOver)) error {
	result, err := c.reported(ctx, path, func(item json.RawMessage) error {
		var h node.HandOver
		if err := json.Unmarshal(item, &h); err != nil {
			return err
		}
		report(h)
		return nil
	})
	var d departed
	if result != nil && json.Unmarshal(result, &d) == nil && d.Gone {
		c.gone.Store(true)
	}
	return err
}

// Gone tells whether the node has said that it ends.
func (c *Client) Gone() bool { return c.gone.Load() }

// Verify has the node re-read its blocks.
func (c *Client) Verify(ctx context.Context, report func(node.Damage)) (v node.Verified, err error) {
	result, err := c.reported(ctx, "/v1/verify", func(item json.RawMessage) error {
		var d node.Damage
		if err := json.Unmarshal(item, &d); err != nil {
			return err
		}
		report(d)
		return nil
	})
	if result != nil {
		err = errors.Join(err, json.Unmarshal(result, &v))
	}
	return v, err
}

// reported does something that the node reports item by item, and returns its result.
func (c *Client) reported(ctx context.Context, path string, each func(json.RawMessage) error) (json.RawMessage, error) {
	resp, w, err := c.send(ctx, http.MethodPost, path, nil, nil)
	if err != nil {
		return nil, err
	}
	defer w.close(resp)
	return w.stream(resp.Body, func(l line) error { return each(l.Item) })
}

// items reads a stream of T.
func items[T any](ctx context.Context, c *Client, path string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		resp, w, err := c.send(ctx, http.MethodGet, path, nil, nil)
		if err != nil {
			yield(zero, err)
			return
		}
		defer w.close(resp)
		stopped := errors.New("the caller wants no more")
		_, err = w.stream(resp.Body, func(l line) error {
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

// call does one exchange whose answer is one JSON object.
func (c *Client) call(ctx context.Context, method, path string, into any) error {
	resp, w, err := c.send(ctx, method, path, nil, nil)
	if err != nil {
		return err
	}
	defer w.close(resp)
	if into == nil {
		return nil
	}
	body, err := io.ReadAll(w.reader(resp.Body))
	if err != nil {
		return w.failed(err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fault.New(fault.Failed, "the node's answer can't be read: %w", err)
	}
	return nil
}

// send sends a request and returns the answer when its status is good. The
// watch must be closed with the response.
func (c *Client) send(ctx context.Context, method, path string, body io.Reader, edit func(*http.Request, *watch)) (*http.Response, *watch, error) {
	w := c.watch(ctx)
	req, err := http.NewRequestWithContext(w.ctx, method, "http://p2pchord"+path, body) //nolint:contextcheck,gosec // the watch's is ctx, and ends with it; every request goes to the one socket
	if err != nil {
		w.close(nil)
		return nil, nil, fault.New(fault.Usage, "can't ask for %s: %w", path, err)
	}
	if edit != nil {
		edit(req, w)
	}
	resp, err := c.http.Do(req) //nolint:gosec // as above
	if err != nil {
		defer w.close(nil)
		return nil, nil, w.failed(err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		defer w.close(resp)
		return nil, nil, w.refusal(resp)
	}
	return resp, w, nil
}

// refusal reads the error out of an answer.
func (w *watch) refusal(resp *http.Response) error {
	var e struct {
		Error Problem `json:"error"`
	}
	body, err := io.ReadAll(io.LimitReader(w.reader(resp.Body), maxLine))
	if err != nil {
		return w.failed(err)
	}
	if json.NewDecoder(bytes.NewReader(body)).Decode(&e) != nil || e.Error.Code == "" {
		return fault.New(fault.Failed, "the node answered %s", resp.Status)
	}
	return e.Error.Err()
}

// noNode tells whether err means that nobody serves the socket.
func noNode(err error) bool {
	var op *net.OpError
	if fault.OutOfFiles(err) {
		return false
	}
	return errors.Is(err, fs.ErrNotExist) || errors.As(err, &op) && op.Op == "dial" && !errors.Is(err, fs.ErrPermission)
}

// escape makes a name a path: everything but letters, digits, '-', '_', '~', '.'
// and the '/' between parts is percent-encoded.
func escape(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}
