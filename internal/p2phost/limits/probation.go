package limits

import (
	"fmt"
	"net/netip"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// Limits of what peers that aren't admitted have at a private host.
const (
	probationConns   = 128 // connections in all
	probationBehind  = 8   // of them from one IPv4 address or IPv6 /56; loopback is free
	probationStreams = 8   // streams of one peer; libp2p's own services open some that are refused
)

// probation keeps a private host closed for peers that aren't admitted. It counts what they have
// open. It is safe for concurrent use.
type probation struct {
	access Access
	// refused is told of each connection that is refused.
	refused func(limit error, from peer.ID)

	mu      sync.Mutex
	conns   map[*probationConn]struct{} // of peers that were not admitted when they connected
	streams map[peer.ID]int             // in
}

func newProbation(access Access, refused func(error, peer.ID)) *probation {
	return &probation{access: access, refused: refused, conns: make(map[*probationConn]struct{}), streams: make(map[peer.ID]int)}
}

// onProbation is the error of what is over one of these limits.
func onProbation(what string, args ...any) error {
	return &Error{What: fmt.Sprintf(what, args...), Do: "try again when some have been admitted or sent away", Err: network.ErrResourceLimitExceeded}
}

// connection watches a connection in from endpoint.
func (p *probation) connection(endpoint ma.Multiaddr, scope network.ConnManagementScope) network.ConnManagementScope {
	return &probationConn{ConnManagementScope: scope, of: p, from: peeraddr.Household(endpoint)}
}

// probationConn is a connection in.
type probationConn struct {
	network.ConnManagementScope
	of   *probation
	from netip.Prefix // not valid: anywhere
	peer peer.ID      // written before it is counted
}

// SetPeer notes whose connection it is. It refuses one of a stranger beyond the limits.
func (c *probationConn) SetPeer(p peer.ID) error {
	if !c.of.trusts(p) {
		c.peer = p
		if err := c.of.count(c); err != nil {
			c.of.refused(err, p)
			return err
		}
	}
	return c.ConnManagementScope.SetPeer(p)
}

// Done ends the count of the connection.
func (c *probationConn) Done() {
	c.ConnManagementScope.Done()
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	delete(c.of.conns, c)
}

// trusts reports whether the connections of a peer don't count.
func (p *probation) trusts(id peer.ID) bool { return p.access.Known(id) || p.access.Admitted(id) }

// count counts a connection of a stranger, until it is done or its peer is no stranger any more.
func (p *probation) count(c *probationConn) error {
	p.mu.Lock()
	all := make([]*probationConn, 0, len(p.conns))
	for other := range p.conns {
		all = append(all, other)
	}
	p.mu.Unlock()
	var admitted []*probationConn // asked without the lock: Access has locks of its own
	for _, other := range all {
		if p.trusts(other.peer) {
			admitted = append(admitted, other)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, other := range admitted {
		delete(p.conns, other)
	}
	behind := 0
	for other := range p.conns {
		if c.from.IsValid() && other.from == c.from {
			behind++
		}
	}
	switch {
	case len(p.conns) >= probationConns:
		return onProbation("%d connections of peers that are not admitted", probationConns)
	case behind >= probationBehind:
		return onProbation("%d connections behind one address of peers that are not admitted", probationBehind)
	}
	p.conns[c] = struct{}{}
	return nil
}
