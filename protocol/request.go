package protocol

import (
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/internal/admission"
	"github.com/p2pchord/p2pchord/protocol/internal/check"
	"github.com/p2pchord/p2pchord/protocol/internal/wire"
)

// crowded is how long an asker is told to wait when too many ask.
const crowded = time.Second

// asker is who is at the other end of w.
func (s *server[Req, Resp]) asker(w *wire.Wire) admission.Asker {
	if w.Address == nil {
		group := admission.AddressGroup(w.Conn().RemoteMultiaddr())
		w.Address = &group
	}
	id := w.Conn().RemotePeer()
	return admission.Asker{ID: id, Address: *w.Address, Neighbor: s.opts.Neighbor(id)}
}

// reserve makes the stream one of the service's and reserves its buffers.
func reserve(raw network.Stream, service string, priority uint8) error {
	if err := raw.Scope().SetService(service); err != nil {
		return err
	}
	return raw.Scope().ReserveMemory(2*wire.ReadBuffer, priority)
}

// request waits for one request, reads all of its message, waits for a place, and answers. io.EOF
// means that there was none.
func (s *server[Req, Resp]) request(w *wire.Wire) error {
	a := s.asker(w)
	req := s.newReq()
	reserved, begun, err := s.read(w, a, req)
	defer func() { w.Scope().ReleaseMemory(reserved) }()
	if err != nil && !begun {
		return err
	} else if err != nil {
		return s.refuse(w, err)
	}
	place, err := s.gate.Enter(s.ctx, a, s.opts.QueueTimeout)
	if err != nil {
		return s.refuse(w, fault.Later(crowded, "too many requests at the same time, more than %d of one peer or %d in all: try again", s.opts.PerPeer, s.opts.Total))
	}
	defer s.gate.Leave(place)
	if s.needs != nil {
		if err := s.opts.May.allow(a.ID, s.needs(req)); err != nil {
			return s.refuse(w, err)
		}
	}
	if err := s.checkReq(check.Asker{ID: a.ID, Network: s.opts.Network}, req); err != nil {
		return s.refuse(w, err)
	}
	if place.Flow != nil {
		place.Flow.Begin(s.opts.SlowFor, s.ender(w))
		w.Reading, w.Writing = &place.Flow.In, &place.Flow.Out
		defer func() { w.Reading, w.Writing = nil, nil }()
	}
	return s.answer(w, a.ID, req)
}

// read waits for a request's message, reads it into req, and reserves memory for it. begun says
// that something of it has come. Streams of strangers are in the backlog meanwhile.
func (s *server[Req, Resp]) read(w *wire.Wire, a admission.Asker, req Req) (reserved int, begun bool, err error) {
	var p *admission.Pending
	if !a.Neighbor {
		p = s.backlog.Enter(a, s.ender(w))
		defer s.backlog.Leave(p)
	}
	if err := w.ReadWithin(s.opts.IdleTimeout); err != nil {
		return 0, false, err
	}
	if _, err := w.In.Peek(1); err != nil {
		return 0, false, err
	}
	if !w.HasFrame(s.limit) {
		if err := w.ReadBy(time.Now().Add(s.opts.ReadTimeout)); err != nil {
			return 0, true, err
		}
	}
	size, err := w.ReadLength(s.limit)
	if err != nil {
		return 0, true, err
	}
	if p != nil {
		s.backlog.Began(p, size)
	}
	if size > wire.ReadBuffer { // smaller ones are covered by what the stream has reserved
		if err := w.Scope().ReserveMemory(size, a.Priority()); err != nil {
			return 0, true, fault.Later(crowded, "at the limit of memory for requests, an eighth of the machine's: try again")
		}
		reserved = size
	}
	return reserved, true, w.ReadMessage(size, req)
}

// ender returns what ends w from another goroutine, while a request is read from it or answered. It
// doesn't wait, for a peer that reads nothing may hold a reset up.
func (s *server[Req, Resp]) ender(w *wire.Wire) func() {
	return func() {
		s.wg.Go(func() { _ = w.ResetWithError(network.StreamResourceLimitExceeded) })
	}
}
