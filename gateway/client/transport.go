package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
)

// syncTransport is an http.RoundTripper that sends GET requests without a body on the goroutine of
// the caller, with the standard library's Request.Write and ReadResponse, and all others through an
// http.Transport. An http.Transport has two goroutines for each connection, and every message
// between them and the caller wakes a sleeping processor.
//
// Medians of interleaved runs with syncTransport and with http.Transport alone (Go 1.26, 2 cores, a
// ring of 3 nodes, a file of 4 KiB):
//
//	a get by a connected Client, the row of docs/benchmarks.md    456 µs, 551 µs (+21 %)
//	p2pchord - with 200 gets                                      665 ms, 804 ms (+21 %)
//	p2pchord get, most of which is the start of the program       10.6 ms, 10.7 ms (+1 %)
//
// So it pays when one process makes many small requests, not in a single command.
type syncTransport struct {
	others *http.Transport
	dial   func(context.Context) (net.Conn, error)

	mu   sync.Mutex
	idle []*syncConn // the most recently used last
}

// maxIdle bounds the idle connections.
const maxIdle = 8

// syncConn is a connection that carries one request at a time.
type syncConn struct {
	net.Conn
	r     *bufio.Reader
	w     *bufio.Writer
	used  bool      // it has carried a request before
	since time.Time // when it became idle
}

// RoundTrip sends a request and reads the head of its answer.
func (t *syncTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet || req.Body != nil && req.Body != http.NoBody {
		return t.others.RoundTrip(req)
	}
	for {
		c, err := t.take(req.Context())
		if err != nil {
			return nil, err
		}
		resp, err := t.ask(c, req)
		if err == nil {
			return resp, nil
		}
		_ = c.Close() // it can't be used any more
		switch {
		case req.Context().Err() != nil:
			return nil, context.Cause(req.Context())
		case c.used && errors.Is(err, errSilent):
			// The node had closed it, as it may. A GET can be sent again.
		default:
			return nil, err
		}
	}
}

// errSilent says that a connection ended before the first byte of an answer.
var errSilent = errors.New("no answer")

// ask sends a request and reads the head of its answer. The body returns the connection at its end.
func (t *syncTransport) ask(c *syncConn, req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	// ends what blocks
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	err := req.Write(c.w)
	if err == nil {
		err = c.w.Flush()
	}
	if err == nil {
		_, err = c.r.Peek(1)
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("%w: %w", errSilent, err)
	}
	resp, err := http.ReadResponse(c.r, req)
	if err != nil {
		stop()
		return nil, err
	}
	b := &syncBody{ctx: ctx, pool: t, conn: c, stop: stop, keep: !resp.Close, body: resp.Body}
	resp.Body = b
	if resp.ContentLength == 0 {
		b.end(true)
	}
	return resp, nil
}

// take returns an idle connection or a new one.
func (t *syncTransport) take(ctx context.Context) (*syncConn, error) {
	if c := t.takeIdle(); c != nil {
		return c, nil
	}
	conn, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	return &syncConn{Conn: conn, r: bufio.NewReaderSize(conn, copyBuffer), w: bufio.NewWriter(conn)}, nil
}

func (t *syncTransport) takeIdle() *syncConn {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.idle) > 0 {
		c := t.idle[len(t.idle)-1]
		t.idle = t.idle[:len(t.idle)-1]
		if time.Since(c.since) < api.IdleClient {
			return c
		}
		_ = c.Close() // the node is about to close it
	}
	return nil
}

func (t *syncTransport) give(c *syncConn) {
	c.used, c.since = true, time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.idle) == maxIdle {
		_ = t.idle[0].Close()
		t.idle = t.idle[1:]
	}
	t.idle = append(t.idle, c)
}

// CloseIdleConnections closes the connections that carry no request. http.Client calls it.
func (t *syncTransport) CloseIdleConnections() {
	t.others.CloseIdleConnections()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.idle {
		_ = c.Close()
	}
	t.idle = nil
}

// syncBody is the body of an answer. At its end it returns the connection, so that a context that
// is canceled afterwards doesn't disturb the next request.
type syncBody struct {
	ctx  context.Context //nolint:containedctx // of the request; reading ends with it
	pool *syncTransport
	conn *syncConn
	stop func() bool
	keep bool
	body io.ReadCloser

	ended sync.Once
}

func (b *syncBody) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		b.end(false)
		return 0, context.Cause(b.ctx)
	}
	n, err := b.body.Read(p)
	if err != nil {
		b.end(errors.Is(err, io.EOF))
	}
	return n, err
}

func (b *syncBody) Close() error {
	b.end(false)
	return nil
}

// end is called when the body has been read, wholly or not.
func (b *syncBody) end(whole bool) {
	b.ended.Do(func() {
		if unused := b.stop(); whole && unused && b.keep && b.conn.r.Buffered() == 0 {
			b.pool.give(b.conn)
			return
		}
		_ = b.conn.Close()
	})
}
