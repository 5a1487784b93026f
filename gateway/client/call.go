package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/internal/duration"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// call is one request under way. It ends when nothing moves for too long. Its timer runs only while
// the call waits for the node: not while a slow source of an upload has nothing to send, and not
// while a slow reader of a download reads nothing.
type call struct {
	ctx     context.Context
	outer   context.Context
	cancel  context.CancelCauseFunc
	silence time.Duration
	path    string

	mu     sync.Mutex
	timer  *time.Timer
	source bool // the upload waits for its source
}

// begin starts the timer of a call.
func (c *Client) begin(outer context.Context) *call {
	ctx, cancel := context.WithCancelCause(outer)
	out := &call{ctx: ctx, outer: outer, cancel: cancel, silence: c.silence, path: c.path}
	out.timer = time.AfterFunc(out.silence, func() {
		cancel(fault.New(fault.TryAgain, "nothing moved for %s: try again, or give more --timeout", duration.String(out.silence)))
	})
	return out
}

// wait restarts the timer: from now on the call waits for the node.
func (c *call) wait() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.source {
		c.timer.Reset(c.silence)
	}
}

// pause stops the timer: the call doesn't wait for the node.
func (c *call) pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timer.Stop()
}

// waitSource records whether the upload waits for its source.
func (c *call) waitSource(yes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.source = yes
	if yes {
		c.timer.Stop()
	} else {
		c.timer.Reset(c.silence)
	}
}

func (c *call) close(resp *http.Response) {
	c.pause()
	c.cancel(nil)
	if resp != nil {
		_ = resp.Body.Close() // as much as was wanted has been read
	}
}

// stream reads a stream to its end and returns its result, which may be nil.
func (c *call) stream(r io.Reader, each func(api.Line) error) (json.RawMessage, error) {
	last, err := api.ReadStream(c.reader(r), each)
	if err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || c.ctx.Err() != nil {
			return nil, c.failed(err)
		}
		return nil, err
	}
	if last.Error != nil {
		return last.Result, last.Error.Err()
	}
	return last.Result, nil
}

// reader returns r as a reader during whose reads the timer runs.
func (c *call) reader(r io.Reader) io.Reader { return &timedReader{c, r} }

type timedReader struct {
	c *call
	r io.Reader
}

func (r *timedReader) Read(p []byte) (int, error) {
	r.c.wait()
	defer r.c.pause()
	return r.r.Read(p)
}
