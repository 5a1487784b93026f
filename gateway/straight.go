package gateway

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
)

// straight sends requests that have no body, and whose answer is only read, on the
// caller's own goroutine, by the standard library's Request.Write and ReadResponse;
// all others go to an http.Transport. The Transport has two goroutines for each
// connection, and every message between them and the caller wakes a sleeping processor.
//
// What it is worth, as medians of interleaved runs, with it and with the Transport alone (Go 1.26,
// 2 cores, a ring of 3 nodes, a file of 4 KiB):
//
//	a get by a connected Client, the row of docs/benchmarks.md    456 µs, 551 µs (+21 %)
//	p2pchord - with 200 gets                                      665 ms, 804 ms (+21 %)
//	p2pchord get, most of which is the start of the program       10.6 ms, 10.7 ms (+1 %)
//
// So it pays where one process makes many small requests, not in a single command.
type straight struct {
	others *http.Transport
	dial   func(context.Context) (net.Conn, error)

	mu   sync.Mutex
	idle []*straightConn // the last one used is the last
}

// straightIdle is how many idle connections are kept.
const straightIdle = 8

// straightConn is a connection on which one request at a time is asked.
type straightConn struct {
	net.Conn
	r     *bufio.Reader
	w     *bufio.Writer
	asked bool      // it has been used before
	since time.Time // that it has been idle
}

// RoundTrip does one exchange.
func (s *straight) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet || req.Body != nil && req.Body != http.NoBody {
		return s.others.RoundTrip(req)
	}
	for {
		c, err := s.take(req.Context())
		if err != nil {
			return nil, err
		}
		resp, err := s.ask(c, req)
		if err == nil {
			return resp, nil
		}
		_ = c.Close() // it is of no use any more
		switch {
		case req.Context().Err() != nil:
			return nil, context.Cause(req.Context())
		case c.asked && errors.Is(err, errSilent):
			// The node had closed it, as it may. What is only read can be asked again.
		default:
			return nil, err
		}
	}
}

// errSilent says that a connection ended before the first byte of an answer.
var errSilent = errors.New("no answer")

// ask sends a request and reads the head of its answer, whose body gives the connection back at its end.
func (s *straight) ask(c *straightConn, req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) }) // ends what waits
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
	b := &straightBody{ctx: ctx, from: s, conn: c, stop: stop, keep: !resp.Close, body: resp.Body}
	resp.Body = b
	if resp.ContentLength == 0 {
		b.end(true)
	}
	return resp, nil
}

// take returns an idle connection, or a new one.
func (s *straight) take(ctx context.Context) (*straightConn, error) {
	if c := s.takeIdle(); c != nil {
		return c, nil
	}
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	return &straightConn{Conn: conn, r: bufio.NewReaderSize(conn, copyBuffer), w: bufio.NewWriter(conn)}, nil
}

func (s *straight) takeIdle() *straightConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.idle) > 0 {
		c := s.idle[len(s.idle)-1]
		s.idle = s.idle[:len(s.idle)-1]
		if time.Since(c.since) < idleClient {
			return c
		}
		_ = c.Close() // the node is about to
	}
	return nil
}

func (s *straight) give(c *straightConn) {
	c.asked, c.since = true, time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) == straightIdle {
		_ = s.idle[0].Close()
		s.idle = s.idle[1:]
	}
	s.idle = append(s.idle, c)
}

// CloseIdleConnections closes what nobody uses; http.Client calls it.
func (s *straight) CloseIdleConnections() {
	s.others.CloseIdleConnections()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.idle {
		_ = c.Close()
	}
	s.idle = nil
}

// straightBody is an answer's body. At its end it gives the connection back, so that a
// context that is canceled then does the next request no harm.
type straightBody struct {
	ctx  context.Context //nolint:containedctx // of the request, with which the reading ends
	from *straight
	conn *straightConn
	stop func() bool
	keep bool
	body io.ReadCloser

	ended sync.Once
}

func (b *straightBody) Read(p []byte) (int, error) {
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

func (b *straightBody) Close() error {
	b.end(false)
	return nil
}

// end is called when the body has been read, whole or not.
func (b *straightBody) end(whole bool) {
	b.ended.Do(func() {
		if unused := b.stop(); whole && unused && b.keep && b.conn.r.Buffered() == 0 {
			b.from.give(b.conn)
			return
		}
		_ = b.conn.Close()
	})
}
