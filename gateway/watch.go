package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/internal/duration"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// watch ends a call in which nothing moves. Its clock runs only while the call
// waits for the node: not while a slow source of an upload has nothing to send,
// and not while a slow reader of a download takes nothing.
type watch struct {
	ctx     context.Context
	outer   context.Context
	cancel  context.CancelCauseFunc
	silence time.Duration
	path    string

	mu     sync.Mutex
	timer  *time.Timer
	source bool // an upload waits for its source
}

func (c *Client) watch(outer context.Context) *watch {
	ctx, cancel := context.WithCancelCause(outer)
	w := &watch{ctx: ctx, outer: outer, cancel: cancel, silence: c.silence, path: c.path}
	w.timer = time.AfterFunc(w.silence, func() {
		cancel(fault.New(fault.TryAgain, "nothing moved for %s: try again, or give more --timeout", duration.String(w.silence)))
	})
	return w
}

// wait starts the clock anew: from here on it is the node's turn.
func (w *watch) wait() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.source {
		w.timer.Reset(w.silence)
	}
}

// pause stops the clock: it is not the node that is waited for.
func (w *watch) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
}

// waitSource says whether an upload waits for its source.
func (w *watch) waitSource(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.source = yes
	if yes {
		w.timer.Stop()
	} else {
		w.timer.Reset(w.silence)
	}
}

func (w *watch) close(resp *http.Response) {
	w.pause()
	w.cancel(nil)
	if resp != nil {
		_ = resp.Body.Close() // it has been read as far as it is wanted
	}
}

// failed says what an error of the connection means.
func (w *watch) failed(err error) error {
	dir := filepath.Dir(w.path)
	if sent := (*url.Error)(nil); errors.As(err, &sent) {
		err = sent.Err // the request's method and address are of no use to anybody here
	}
	switch {
	case w.outer.Err() != nil:
		return context.Cause(w.outer)
	case w.ctx.Err() != nil:
		return context.Cause(w.ctx)
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.NotAllowed, "the node of %s belongs to another user: run this command as that user (%w)", dir, err)
	case fault.OutOfFiles(err):
		return fault.New(fault.NoSpace, "can't connect to the node of %s: %w", dir, err)
	case noNode(err):
		return &fault.Error{Code: fault.Unreachable, Err: errNobody, Msg: fmt.Sprintf(
			"no node runs on %s: start one with `p2pchord node --data %s`, or give --bootstrap MULTIADDR", dir, dir)}
	case fault.CodeOf(err) != fault.Failed:
		return err
	}
	return fault.New(fault.Unreachable, "the node of %s went away before it had answered: %w", dir, err)
}

// stream reads a stream to its end, whose result it returns; nil when there is none.
func (w *watch) stream(r io.Reader, each func(line) error) (json.RawMessage, error) {
	last, err := readStream(w.reader(r), each)
	if err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || w.ctx.Err() != nil {
			return nil, w.failed(err)
		}
		return nil, err
	}
	if last.Error != nil {
		return last.Result, last.Error.Err()
	}
	return last.Result, nil
}

// reader returns r; the clock runs while it is read.
func (w *watch) reader(r io.Reader) io.Reader { return &watched{w, r} }

type watched struct {
	w *watch
	r io.Reader
}

func (r *watched) Read(p []byte) (int, error) {
	r.w.wait()
	defer r.w.pause()
	return r.r.Read(p)
}

// withoutDeadline returns ctx as far as it is canceled, and not when its time is over.
func withoutDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			cancel(context.Cause(ctx))
		}
	})
	return out, func() { stop(); cancel(nil) }
}
