package limits

import (
	"fmt"
	"net/netip"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// strangerLimits bound what peers that aren't neighbors in the ring may open towards this host. The
// rest of each of libp2p's limits is left to neighbors.
type strangerLimits struct {
	streams         int // in all
	peerStreams     int // of one peer
	negotiating     int // that have agreed on no protocol yet, in all
	peerNegotiating int // of one peer
	conns           int // connections in all
	// connections from one IPv4 address or IPv6 /56 that are still being set up; loopback is free
	handshakes int
}

func (l numbers) strangers() strangerLimits {
	return strangerLimits{
		streams: l.streams * 3 / 4, peerStreams: l.peerStreams / 4,
		negotiating: l.streams / 2, peerNegotiating: 64,
		conns: max(1, l.conns*3/4), handshakes: max(1, l.burst/4),
	}
}

// strangers counts what they have open. It is safe for concurrent use.
type strangers struct {
	limits   strangerLimits
	neighbor func(peer.ID) bool // nil: nobody is
	// refused is told of each connection that is refused once it is known whose it is.
	refused func(limit error, from peer.ID)

	mu          sync.Mutex
	streams     int
	negotiating int
	conns       int
	peers       map[peer.ID]strangerPeer
	handshakes  map[netip.Prefix]int
}

type strangerPeer struct{ streams, negotiating int }

func newStrangers(limits strangerLimits, neighbor func(peer.ID) bool, refused func(error, peer.ID)) *strangers {
	return &strangers{limits: limits, neighbor: neighbor, refused: refused, peers: make(map[peer.ID]strangerPeer), handshakes: make(map[netip.Prefix]int)}
}

func (s *strangers) isNeighbor(p peer.ID) bool { return s.neighbor != nil && s.neighbor(p) }

// atLimit is the error of what is over one of these limits.
func atLimit(what string, args ...any) error {
	return &Error{What: fmt.Sprintf(what, args...), Do: "the rest is for neighbors in the ring; try again when some have ended", Err: network.ErrResourceLimitExceeded}
}

// openStream counts a stream in that p opens, until the scope it returns is done.
func (s *strangers) openStream(p peer.ID, open func() (network.StreamManagementScope, error)) (network.StreamManagementScope, error) {
	s.mu.Lock()
	of := s.peers[p]
	var err error
	switch {
	case s.streams >= s.limits.streams:
		err = atLimit("%d streams of strangers", s.limits.streams)
	case of.streams >= s.limits.peerStreams:
		err = atLimit("%d streams of one stranger", s.limits.peerStreams)
	case s.negotiating >= s.limits.negotiating, of.negotiating >= s.limits.peerNegotiating:
		err = atLimit("%d streams without a protocol of strangers, %d of one", s.limits.negotiating, s.limits.peerNegotiating)
	default:
		s.add(p, 1, 1)
	}
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	scope, err := open()
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.add(p, -1, -1)
		return nil, err
	}
	return &strangerStream{StreamManagementScope: scope, of: s, peer: p}, nil
}

// add counts streams and streams without a protocol of p. The caller holds mu.
func (s *strangers) add(p peer.ID, streams, negotiating int) {
	s.streams += streams
	s.negotiating += negotiating
	of := s.peers[p]
	of.streams += streams
	of.negotiating += negotiating
	if s.peers[p] = of; of.streams == 0 {
		delete(s.peers, p)
	}
}

// strangerStream is a stranger's stream in.
type strangerStream struct {
	network.StreamManagementScope
	of   *strangers
	peer peer.ID

	mu     sync.Mutex
	agreed bool // on a protocol
	done   bool
}

// SetProtocol notes that the stream has a protocol now.
func (t *strangerStream) SetProtocol(id protocol.ID) error {
	err := t.StreamManagementScope.SetProtocol(id)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil && !t.agreed && !t.done {
		t.agreed = true
		t.of.mu.Lock()
		defer t.of.mu.Unlock()
		t.of.add(t.peer, 0, -1)
	}
	return err
}

// Done ends the count of the stream.
func (t *strangerStream) Done() {
	t.StreamManagementScope.Done()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done {
		return
	}
	t.done = true
	negotiating := -1
	if t.agreed {
		negotiating = 0
	}
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	t.of.add(t.peer, -1, negotiating)
}

// openConnection counts a connection in from endpoint: as one that is being set up until it is
// known whose it is, then among the strangers' if it is one of theirs.
func (s *strangers) openConnection(endpoint ma.Multiaddr, open func() (network.ConnManagementScope, error)) (network.ConnManagementScope, error) {
	from := peeraddr.Household(endpoint)
	if from.IsValid() {
		s.mu.Lock()
		full := s.handshakes[from] >= s.limits.handshakes
		if !full {
			s.handshakes[from]++
		}
		s.mu.Unlock()
		if full {
			return nil, atLimit("%d connections from one address that are being set up", s.limits.handshakes)
		}
	}
	scope, err := open()
	c := &strangerConn{ConnManagementScope: scope, of: s, from: from}
	if err != nil {
		c.shaken()
		return nil, err
	}
	return c, nil
}

// strangerConn is a connection in.
type strangerConn struct {
	network.ConnManagementScope
	of   *strangers
	from netip.Prefix

	mu       sync.Mutex
	known    bool // whose it is, or that it came to nothing
	stranger bool // and counted as a stranger's
	done     bool
}

// SetPeer notes whose connection it is. It refuses one of a stranger beyond the limit.
func (c *strangerConn) SetPeer(p peer.ID) error {
	c.shaken()
	if !c.of.isNeighbor(p) {
		if err := c.count(); err != nil {
			c.of.refused(err, p)
			return err
		}
	}
	return c.ConnManagementScope.SetPeer(p)
}

func (c *strangerConn) count() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.stranger || c.done {
		return nil
	}
	if c.of.conns >= c.of.limits.conns {
		return atLimit("%d connections of strangers", c.of.limits.conns)
	}
	c.of.conns++
	c.stranger = true
	return nil
}

// Done ends the count of the connection.
func (c *strangerConn) Done() {
	c.ConnManagementScope.Done()
	c.shaken()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stranger && !c.done {
		c.of.mu.Lock()
		defer c.of.mu.Unlock()
		c.of.conns--
	}
	c.done = true
}

// shaken ends the count as one that is being set up.
func (c *strangerConn) shaken() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known {
		return
	}
	c.known = true
	if !c.from.IsValid() {
		return
	}
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.of.handshakes[c.from]--; c.of.handshakes[c.from] == 0 {
		delete(c.of.handshakes, c.from)
	}
}
