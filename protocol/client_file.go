package protocol

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/protocol/internal/check"
	"github.com/p2pchord/p2pchord/protocol/internal/frame"
	"github.com/p2pchord/p2pchord/protocol/internal/wire"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// File asks one request of the file protocol, with body after it: at once when it
// has at most MaxImmediateBody bytes, otherwise when the peer says that it needs it.
// It sees to BodySize and Offer itself and leaves req as it is.
//
// When the error is nil the reply must be closed. Of a reply beside an error only
// the Response is of use; it need not be closed.
//
// There is no bound on the whole but ctx: the peer has to give a sign of life, and
// bytes have to move, within ClientOptions.Progress.
func (c *Client) File(ctx context.Context, to peer.ID, req *pb.FileRequest, body []byte) (*FileReply, error) {
	if len(body) > MaxBody {
		return nil, failure(ctx, to, fmt.Errorf("%w: a body of %d bytes", ErrTooLarge, len(body)), unsent)
	}
	head := &pb.FileRequest{
		BodySize: uint32(len(body)),
		Offer:    len(body) > MaxImmediateBody,
		Body:     req.GetBody(),
	}
	var resp *pb.FileResponse
	e, err := c.attempt(ctx, target{to, FileID}, bulky(head), func(e *outgoing) (err error) {
		resp, err = e.converse(head, body)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := check.FileResponse(head, resp); err != nil {
		e.abandon()
		return nil, failure(ctx, to, err, sent)
	}
	reply := &FileReply{
		Response: resp,
		Relayed:  relayed(e.Conn()),
		Sent:     e.bodySent,
		exchange: e,
		ctx:      ctx,
		size:     int(resp.GetBodySize()),
		left:     int(resp.GetBodySize()),
	}
	if reply.size == 0 {
		_ = reply.Close()
	}
	return reply, fileSpec.status(resp)
}

// bulky reports whether the bytes of a file may move with a request, in either direction. Only
// those had better wait for a direct connection: a peer that joins over a relay asks for grants
// first, and they are a few bytes.
func bulky(req *pb.FileRequest) bool {
	switch req.GetBody().(type) {
	case *pb.FileRequest_Get, *pb.FileRequest_Block:
		return true
	}
	return req.GetOffer()
}

// converse sends a request, its bytes when they are needed, and returns the last answer.
func (e *outgoing) converse(head *pb.FileRequest, body []byte) (_ *pb.FileResponse, err error) {
	moving := false
	defer func() {
		// a peer that took them and is silent hasn't cut anything off
		if err != nil && moving && !wire.TimedOut(err) {
			err = errors.Join(ErrCutOff, err)
		}
	}()
	first := body
	if head.GetOffer() {
		first = nil
	}
	if err := e.send(head, MaxFileMessage, first); err != nil {
		return nil, err
	}
	e.bodySent = len(first)
	work := newPatience(e.Progress)
	for wanted := head.GetOffer(); ; {
		if err := e.ReadBy(work.until()); err != nil {
			return nil, err
		}
		resp := new(pb.FileResponse)
		if err := e.receive(resp, MaxFileMessage); work.over(err) {
			return nil, fmt.Errorf("%w: %w", errStalled, err)
		} else if err != nil {
			return nil, err
		}
		switch {
		case resp.GetWorking():
			if work.takes(resp.Progress, time.Now()) {
				e.TellMoved()
			}
		case resp.GetNeed() && wanted:
			wanted, moving = false, true
			e.TellMoved()
			e.bodySent = len(body)
			if err := e.WriteBody(body); wire.TimedOut(err) {
				return nil, fmt.Errorf("%w: %w", errStalled, err)
			} else if err != nil {
				return nil, err
			}
			work.moved(time.Now())
		case resp.GetNeed() && head.GetConfirm() == nil:
			return nil, frame.Malformed("a demand for bytes that were not offered")
		default:
			return resp, nil
		}
	}
}

// How many times the progress time a peer may say that it works, without progress, and without
// saying how far, as those of earlier versions do.
const (
	stillMost  = 3
	untoldMost = 6
)

// patience is how long an answer is waited for while the peer says that it works on it.
type patience struct {
	progress time.Duration
	began    time.Time     // of the wait, or of the last progress
	sign     time.Time     // the last sign of life
	count    uint64        // the greatest that the peer has told
	most     time.Duration // from began on
}

func newPatience(progress time.Duration) *patience {
	p := &patience{progress: progress, most: stillMost * progress}
	p.moved(time.Now())
	return p
}

func (p *patience) moved(now time.Time) { p.began, p.sign = now, now }

// until is when the wait is over.
func (p *patience) until() time.Time {
	limit, silence := p.began.Add(p.most), p.sign.Add(p.progress)
	if limit.Before(silence) {
		return limit
	}
	return silence
}

// takes notes that the peer works, and reports whether its work has made progress.
func (p *patience) takes(count *uint64, now time.Time) bool {
	p.sign = now
	switch {
	case count == nil:
		p.most = untoldMost * p.progress
		return false
	case *count <= p.count:
		return false
	}
	p.count = *count
	p.moved(now)
	return true
}

// over reports whether err ended the wait for a peer that says that it works.
func (p *patience) over(err error) bool {
	return wire.TimedOut(err) && p.until().Before(p.sign.Add(p.progress))
}

// FileReply is an answer of the file protocol and the raw bytes that follow it. It
// is used by one goroutine at a time.
type FileReply struct {
	Response *pb.FileResponse
	// Relayed means that it came through a relay.
	Relayed bool
	// Sent is how many bytes of the request's body had to be sent: 0 when the peer did not need
	// them.
	Sent int

	exchange *outgoing       // nil once closed
	ctx      context.Context //nolint:containedctx // the request's, which the bytes belong to
	size     int
	left     int
}

// Size is how many raw bytes there are; 0 when none.
func (r *FileReply) Size() int { return r.size }

// Read reads the bytes. It returns io.EOF after exactly Size of them and fails when
// none moves for ClientOptions.Progress, or when the request's context ends.
func (r *FileReply) Read(p []byte) (int, error) {
	switch {
	case r.left == 0:
		return 0, io.EOF
	case r.exchange == nil:
		return 0, io.ErrClosedPipe
	case len(p) == 0:
		return 0, nil
	}
	n, err := r.exchange.ReadSome(p, r.left)
	if r.left -= n; r.left == 0 {
		return n, nil
	}
	if err != nil {
		err = failure(r.ctx, r.exchange.to.peer, err, moving)
	}
	return n, err
}

// Close ends the exchange; before all bytes have been read it resets the stream. It may be called
// more than once.
func (r *FileReply) Close() error {
	e := r.exchange
	if e == nil {
		return nil
	}
	r.exchange = nil
	if r.left > 0 {
		e.abandon()
	} else {
		e.finish()
	}
	return nil
}
