package limits

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
)

// settleWithin is how long a stream that libp2p opens by itself waits until its peer is admitted.
const settleWithin = 5 * time.Second

// stream counts a stream, and refuses protocols for which its peer has to be admitted.
func (p *probation) stream(id peer.ID, dir network.Direction, open func() (network.StreamManagementScope, error)) (network.StreamManagementScope, error) {
	counted := dir == network.DirInbound && !p.access.Admitted(id)
	if counted && !p.enter(id) {
		return nil, onProbation("%d streams of a peer that is not admitted", probationStreams)
	}
	scope, err := open()
	if err != nil {
		if counted {
			p.leave(id)
		}
		return nil, err
	}
	return &probationStream{StreamManagementScope: scope, of: p, peer: id, dir: dir, counted: counted}, nil
}

func (p *probation) enter(id peer.ID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.streams[id] >= probationStreams {
		return false
	}
	p.streams[id]++
	return true
}

func (p *probation) leave(id peer.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.streams[id]--; p.streams[id] == 0 {
		delete(p.streams, id)
	}
}

// probationStream is a stream of a private host, of any peer.
type probationStream struct {
	network.StreamManagementScope
	of      *probation
	peer    peer.ID
	dir     network.Direction
	counted bool
	ended   sync.Once
}

// SetProtocol is where every stream gets its protocol, whatever the connection: libp2p calls it
// after the protocol is agreed on and before a handler runs, or before this host sends anything. It
// refuses, or outward waits for, what is open to admitted peers only.
func (s *probationStream) SetProtocol(id protocol.ID) error {
	if !OpenToAll(s.of.access, id) {
		if err := s.admitted(id); err != nil {
			return err
		}
	}
	return s.StreamManagementScope.SetProtocol(id)
}

func (s *probationStream) admitted(id protocol.ID) error {
	if s.dir == network.DirInbound {
		if !s.of.access.Admitted(s.peer) {
			return fmt.Errorf("%s is not admitted: %w", s.peer, network.ErrResourceLimitExceeded)
		}
		return nil
	}
	wait := settleWithin
	if id == identify.IDPush {
		wait = 0 // it goes to all peers at once, a few at a time
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	return s.of.access.Await(ctx, s.peer)
}

// Done ends the count of the stream.
func (s *probationStream) Done() {
	s.StreamManagementScope.Done()
	s.ended.Do(func() {
		if s.counted {
			s.of.leave(s.peer)
		}
	})
}
