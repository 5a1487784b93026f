package protocol

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/internal/wire"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// Payload is the raw bytes that follow an answer: Bytes, or Size bytes from Reader.
type Payload struct {
	Bytes  []byte
	Reader io.Reader
	Size   int // of Reader
	// Release, when set, is called once when the bytes have gone out or never will.
	Release func()
}

func (p *Payload) size() int {
	switch {
	case p == nil:
		return 0
	case p.Reader != nil:
		return p.Size
	}
	return len(p.Bytes)
}

func (p *Payload) release() {
	if p != nil && p.Release != nil {
		p.Release()
	}
}

// answer runs the handler for req and sends what it returns.
func (s *server[Req, Resp]) answer(w *wire.Wire, from peer.ID, req Req) error {
	ctx, cancel := context.WithTimeout(s.ctx, s.opts.HandleTimeout)
	defer cancel()
	x := &exchange{Wire: w, gone: cancel, every: s.opts.WorkingEvery}
	ctx = WithProgress(ctx, x.count.note)
	w.Moved = x.count.note
	body := &Body{exchange: x}
	if fileReq, ok := any(req).(*pb.FileRequest); ok {
		body.size, body.left = int(fileReq.GetBodySize()), int(fileReq.GetBodySize())
		body.offered = fileReq.GetOffer()
		x.keepTelling()
	}
	var resp Resp
	var payload *Payload
	err := contain.Run(s.service, func() (err error) {
		resp, payload, err = s.handle(ctx, from, req, body)
		return err
	})
	defer payload.release()
	x.quiet()
	if errors.Is(err, contain.ErrPanic) {
		return err // no answer: the stream is reset
	}
	if body.err != nil {
		return fmt.Errorf("read a body: %w", body.err)
	}
	if isNil(resp) {
		resp = s.newResp()
	}
	if err != nil && payload.size() > 0 {
		payload = nil
	}
	if size := payload.size(); size > MaxBody {
		return fmt.Errorf("%w: an answer's body of %d bytes", ErrTooLarge, size)
	} else if fileResp, ok := any(resp).(*pb.FileResponse); ok {
		fileResp.BodySize = uint32(size)
	}
	if err := s.send(w, s.respond(resp, err), payload); err != nil {
		return err
	}
	return body.discard()
}

// send writes resp and payload. A response that is too long for the protocol
// becomes a failure that says so.
func (s *server[Req, Resp]) send(w *wire.Wire, resp Resp, payload *Payload) error {
	if payload.size() == 0 {
		err := w.WriteMessage(resp, s.limit, nil)
		if errors.Is(err, ErrTooLarge) {
			log.Errorw("an answer is too long", "protocol", s.spec.id, "err", err)
			err = w.WriteMessage(s.respond(s.newResp(), fault.New(fault.Failed, "the answer is too long")), s.limit, nil)
		}
		return err
	}
	if payload.Reader == nil {
		return w.WriteMessage(resp, s.limit, payload.Bytes)
	}
	if err := w.WriteMessage(resp, s.limit, nil); err != nil {
		return err
	}
	return w.CopyFrom(payload.Reader, payload.Size)
}

// isNil reports whether m is nil, or a nil pointer.
func isNil(m proto.Message) bool {
	return m == nil || !m.ProtoReflect().IsValid()
}

// exchange is what goes over a stream while a handler runs: "need" and "working".
type exchange struct {
	*wire.Wire
	gone  context.CancelFunc // ends the handler: nobody waits for its answer
	every time.Duration
	count progressCount

	mu      sync.Mutex // one writer at a time
	done    bool
	timer   *time.Timer
	telling sync.WaitGroup // of the timer's function, when armed
}

// keepTelling tells the asker at intervals that the request is being worked on,
// until quiet is called.
func (x *exchange) keepTelling() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.telling.Add(1)
	x.timer = time.AfterFunc(x.every, x.tell)
}

func (x *exchange) tell() {
	defer x.telling.Done()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.done {
		return
	}
	working := &pb.FileResponse{Working: true, Progress: proto.Uint64(x.count.n.Load())}
	if err := x.WriteMessage(working, MaxFileMessage, nil); err != nil {
		x.gone()
		return
	}
	x.telling.Add(1)
	x.timer.Reset(x.every)
}

// quiet ends keepTelling; nothing is written by it from here on.
func (x *exchange) quiet() {
	x.mu.Lock()
	x.done = true
	if x.timer != nil && x.timer.Stop() {
		x.telling.Done()
	}
	x.mu.Unlock()
	x.telling.Wait()
}

// need asks for the bytes that were offered.
func (x *exchange) need() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.WriteMessage(&pb.FileResponse{Need: true}, MaxFileMessage, nil)
}

// Body is the raw bytes that follow a request. It is read in the handler's
// goroutine, and not after the handler has returned.
type Body struct {
	exchange *exchange
	size     int
	left     int
	offered  bool // and not asked for yet
	err      error
}

// Size is how many bytes there are; 0 when none.
func (b *Body) Size() int { return b.size }

// Offered reports whether the bytes come only when they are asked for, and have not
// been. A handler that doesn't need them answers without reading.
func (b *Body) Offered() bool { return b.offered }

// Read reads the bytes, asking for them first when they are offered. It returns
// io.EOF after exactly Size of them. It fails when none moves for
// ServeOptions.Progress; the stream is then reset, whatever the handler returns.
func (b *Body) Read(p []byte) (int, error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case b.left == 0:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	}
	if b.offered {
		if b.err = b.exchange.need(); b.err != nil {
			return 0, b.err
		}
		b.offered = false
	}
	n, err := b.exchange.ReadSome(p, b.left)
	b.left -= n
	if b.err = err; b.left == 0 {
		b.err = nil
	}
	return n, b.err
}

// discard reads what the handler has left, so that the next request can follow. The
// asker sends all of it before it looks for an answer.
func (b *Body) discard() error {
	if b.offered || b.left == 0 {
		return nil
	}
	buf := make([]byte, min(b.left, 256<<10))
	for b.left > 0 {
		if _, err := b.Read(buf); err != nil {
			return err
		}
	}
	return nil
}
