package protocol

import (
	"context"
	"errors"
	"io"
	"sync"

	logging "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/internal/admission"
	"github.com/p2pchord/p2pchord/protocol/internal/wire"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

var log = logging.Logger("p2pchord/protocol")

// Handlers of requests. from is who asks, proved by the connection; a Peer named
// "from" or "self" in the request has been verified to be from. ctx ends with the
// service, after ServeOptions.HandleTimeout, and when the asker is found gone.
//
// An error becomes the answer's status: its kind, and the message of a *fault.Error or
// *Elsewhere; of other errors only that it failed. A response returned beside an
// error is sent with it. With neither, the answer is an empty "done".
type (
	RingHandler      func(ctx context.Context, from peer.ID, req *pb.RingRequest) (*pb.RingResponse, error)
	BootstrapHandler func(ctx context.Context, from peer.ID, req *pb.BootstrapRequest) (*pb.BootstrapResponse, error)
	FileHandler      func(ctx context.Context, from peer.ID, req *pb.FileRequest, body *Body) (*pb.FileResponse, *Payload, error)
)

// Service answers one protocol on a host until it is closed.
type Service struct {
	host   host.Host
	id     protocol.ID
	ctx    context.Context //nolint:containedctx // it is the service's life, not a call's
	cancel context.CancelFunc

	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup // of streams
}

// ServeRing answers the ring protocol.
func ServeRing(h host.Host, opts ServeOptions, f RingHandler) *Service {
	return serve(h, opts, &ringSpec, func(ctx context.Context, from peer.ID, req *pb.RingRequest, _ *Body) (*pb.RingResponse, *Payload, error) {
		resp, err := f(ctx, from, req)
		return resp, nil, err
	})
}

// ServeBootstrap answers the bootstrap protocol.
func ServeBootstrap(h host.Host, opts ServeOptions, f BootstrapHandler) *Service {
	return serve(h, opts, &bootstrapSpec, func(ctx context.Context, from peer.ID, req *pb.BootstrapRequest, _ *Body) (*pb.BootstrapResponse, *Payload, error) {
		resp, err := f(ctx, from, req)
		return resp, nil, err
	})
}

// ServeFile answers the file protocol.
func ServeFile(h host.Host, opts ServeOptions, f FileHandler) *Service {
	return serve(h, opts, &fileSpec, f)
}

// Close stops taking requests, ends those that run, and waits for them. It may be called more than
// once.
func (s *Service) Close() error {
	s.host.RemoveStreamHandler(s.id)
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.wg.Wait()
	return nil
}

// begin reports whether a stream may still be taken; if so, wg.Done follows.
func (s *Service) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.wg.Add(1)
	return true
}

// server is a Service with its types.
type server[Req, Resp proto.Message] struct {
	*Service
	*spec[Req, Resp]
	opts    ServeOptions
	gate    *admission.Gate
	backlog *admission.Backlog
	handle  func(context.Context, peer.ID, Req, *Body) (Resp, *Payload, error)
}

// serve is the one wrapper around every handler: resource scope, bounded read in
// bounded time, one answer with a status, reset on failure.
func serve[Req, Resp proto.Message](
	h host.Host, opts ServeOptions, t *spec[Req, Resp],
	f func(context.Context, peer.ID, Req, *Body) (Resp, *Payload, error),
) *Service {
	opts = opts.withDefaults(t.handle)
	ctx, cancel := context.WithCancel(context.Background())
	s := &server[Req, Resp]{
		Service: &Service{host: h, id: t.id, ctx: ctx, cancel: cancel},
		spec:    t,
		opts:    opts,
		gate:    admission.NewGate(opts.gate()),
		backlog: admission.NewBacklog(backlogLimits),
		handle:  f,
	}
	h.SetStreamHandler(t.id, s.stream)
	return s.Service
}

// errClose ends a stream after an answer that leaves it out of step.
var errClose = errors.New("close the stream")

// stream answers the requests of one stream, one after the other.
func (s *server[Req, Resp]) stream(raw network.Stream) {
	if !s.begin() {
		_ = raw.ResetWithError(network.StreamShutdown)
		return
	}
	defer s.wg.Done()
	w := wire.New(raw, s.opts.Progress)
	w.Limits = s.opts.Limits
	if err := reserve(raw, s.service, s.asker(w).Priority()); err != nil {
		log.Debugw("no room for a stream", "protocol", s.spec.id, "peer", raw.Conn().RemotePeer(), "err", err)
		_ = raw.ResetWithError(network.StreamResourceLimitExceeded)
		return
	}
	stop := context.AfterFunc(s.ctx, func() { _ = raw.ResetWithError(network.StreamShutdown) })
	defer stop()

	for {
		switch err := contain.Run(s.service, func() error { return s.request(w) }); {
		case err == nil:
		case errors.Is(err, errClose), errors.Is(err, io.EOF):
			_ = raw.Close()
			return
		default:
			log.Debugw("a stream failed", "protocol", s.spec.id, "peer", raw.Conn().RemotePeer(), "err", err)
			_ = raw.Reset()
			return
		}
	}
}

// refuse answers a request that can't be handled and ends the stream, on which what
// follows may be anything. Failures of the stream itself pass through.
func (s *server[Req, Resp]) refuse(w *wire.Wire, err error) error {
	var told *fault.Error
	switch {
	case errors.As(err, &told):
	case errors.Is(err, ErrMalformed), errors.Is(err, ErrTooLarge):
		err = fault.New(fault.Usage, "the request is not valid: %w", err)
	default:
		return wire.Unexpected(err)
	}
	log.Debugw("a request is refused", "protocol", s.spec.id, "peer", w.Conn().RemotePeer(), "err", err)
	if err := w.WriteMessage(s.respond(s.newResp(), err), s.limit, nil); err != nil {
		return err
	}
	return errClose
}

// respond puts what err says into resp.
func (s *server[Req, Resp]) respond(resp Resp, err error) Resp {
	if err != nil {
		s.setStatus(resp, statusOf(err))
	}
	return resp
}
