package protocol

import (
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// crowded is how long an asker is told to wait when too many ask.
const crowded = time.Second

// asker is who is at the other end of w.
func (s *server[Req, Resp]) asker(w *wire) asker {
	if w.address == nil {
		group := addressGroup(w.Conn().RemoteMultiaddr())
		w.address = &group
	}
	id := w.Conn().RemotePeer()
	return asker{id: id, address: *w.address, neighbor: s.opts.Neighbor(id)}
}

// priority is how much of the memory for requests may be in use already: strangers leave some for
// neighbors.
func (a asker) priority() uint8 {
	if a.neighbor {
		return network.ReservationPriorityAlways
	}
	return network.ReservationPriorityMedium
}

// addressGroup names the addresses that one household or host may have beside m: its IPv4 address
// or IPv6 /56. Those that come through a relay are one group. It is empty, no group at all, for
// this machine's own.
func addressGroup(m ma.Multiaddr) string {
	ip, err := manet.ToIP(m)
	switch {
	case err != nil:
		return m.String()
	case ip.IsLoopback():
		return ""
	}
	addr, _ := netip.AddrFromSlice(ip)
	if addr = addr.Unmap(); addr.Is6() {
		if net, err := addr.Prefix(56); err == nil {
			return net.String()
		}
	}
	return addr.String()
}

// reserve makes the stream one of the service's and reserves its buffers.
func reserve(raw network.Stream, service string, priority uint8) error {
	if err := raw.Scope().SetService(service); err != nil {
		return err
	}
	return raw.Scope().ReserveMemory(2*readBuffer, priority)
}

// request waits for one request, reads all of its message, waits for a place, and answers. io.EOF
// means that there was none.
func (s *server[Req, Resp]) request(w *wire) error {
	a := s.asker(w)
	req := s.newReq()
	reserved, begun, err := s.read(w, a, req)
	defer func() { w.Scope().ReleaseMemory(reserved) }()
	if err != nil && !begun {
		return err
	} else if err != nil {
		return s.refuse(w, err)
	}
	place, err := s.gate.enter(s.ctx, a, s.opts.QueueTimeout)
	if err != nil {
		return s.refuse(w, fault.Later(crowded, "too many requests at the same time, more than %d of one peer or %d in all: try again", s.opts.PerPeer, s.opts.Total))
	}
	defer s.gate.leave(place)
	if err := s.checkReq(a.id, req); err != nil {
		return s.refuse(w, err)
	}
	if place.flow != nil {
		place.flow.begin(s.opts.SlowFor, s.ender(w))
		w.reading, w.writing = &place.flow.in, &place.flow.out
		defer func() { w.reading, w.writing = nil, nil }()
	}
	return s.answer(w, a.id, req)
}

// read waits for a request's message, reads it into req, and reserves memory for it. begun says
// that something of it has come. Streams of strangers are in the backlog meanwhile.
func (s *server[Req, Resp]) read(w *wire, a asker, req Req) (reserved int, begun bool, err error) {
	var p *pending
	if !a.neighbor {
		p = s.backlog.enter(a, s.ender(w))
		defer s.backlog.leave(p)
	}
	if err := w.readWithin(s.opts.IdleTimeout); err != nil {
		return 0, false, err
	}
	if _, err := w.in.Peek(1); err != nil {
		return 0, false, err
	}
	if !w.hasFrame(s.limit) {
		if err := w.readBy(time.Now().Add(s.opts.ReadTimeout)); err != nil {
			return 0, true, err
		}
	}
	size, err := w.readLength(s.limit)
	if err != nil {
		return 0, true, err
	}
	if p != nil {
		s.backlog.began(p, size)
	}
	if size > readBuffer { // smaller ones are covered by what the stream has reserved
		if err := w.Scope().ReserveMemory(size, a.priority()); err != nil {
			return 0, true, fault.Later(crowded, "at the limit of memory for requests, an eighth of the machine's: try again")
		}
		reserved = size
	}
	return reserved, true, w.readMessage(size, req)
}

// ender returns what ends w from another goroutine, while a request is read from it or answered. It
// doesn't wait, for a peer that reads nothing may hold a reset up.
func (s *server[Req, Resp]) ender(w *wire) func() {
	return func() {
		s.wg.Go(func() { _ = w.ResetWithError(network.StreamResourceLimitExceeded) })
	}
}
