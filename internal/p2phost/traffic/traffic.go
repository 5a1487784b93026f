// Package traffic counts the bytes that each connection of a host carries.
//
// A Counter starts no goroutine. Counter.mu guards the list of connections; bytes are counted with
// atomic operations and without it.
package traffic

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// Bytes are the bytes of streams that a connection has carried, each way.
type Bytes struct{ In, Out int64 }

// Counter counts the bytes of streams by connection. It is a metrics.Reporter: libp2p calls it with
// every read and write of a stream and with the peer, but not with the connection. A peer usually
// has one. Traffic counts for the connection that new streams to that peer use: a direct one before
// a relayed one, the newest of those. With one connection the count is exact and complete: the
// ring, files, libp2p's own protocols, and what a relay carries for others. While a relayed
// connection and the direct one that replaces it are both open, the end of a transfer over the
// relay counts for the direct one. Every read and write costs one more table lookup and one atomic
// addition.
//
// Counting in this project's own streams would be exact with two connections as well, but blind to
// all the rest. Wrapping every transport would hide what libp2p asks of them.
//
// The reporter's queries return nothing, because nobody calls them.
//
// The zero value is ready. A Counter is safe for concurrent use.
type Counter struct {
	peers sync.Map // peer.ID to *peerTraffic; only for peers with a connection

	mu sync.Mutex // of what is in peers, not of the counts
}

// peerTraffic is the connections to one peer.
type peerTraffic struct {
	conns   []*connTraffic              // guarded by Counter.mu
	current atomic.Pointer[connTraffic] // the one that new streams use
}

type connTraffic struct {
	id      string
	relayed bool
	in, out atomic.Int64
}

var _ metrics.Reporter = (*Counter)(nil)

// Opened begins to count for c.
func (t *Counter) Opened(c network.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	v, _ := t.peers.LoadOrStore(c.RemotePeer(), new(peerTraffic))
	p, _ := v.(*peerTraffic)
	for _, known := range p.conns {
		if known.id == c.ID() {
			return
		}
	}
	p.conns = append(p.conns, &connTraffic{id: c.ID(), relayed: c.Stat().Limited})
	p.choose()
}

// Closed forgets c.
func (t *Counter) Closed(c network.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	v, ok := t.peers.Load(c.RemotePeer())
	if !ok {
		return
	}
	p, _ := v.(*peerTraffic)
	for i, known := range p.conns {
		if known.id == c.ID() {
			p.conns = append(p.conns[:i:i], p.conns[i+1:]...)
			break
		}
	}
	if len(p.conns) == 0 {
		t.peers.Delete(c.RemotePeer())
		return
	}
	p.choose()
}

// choose makes the connection current that libp2p prefers for new streams: a direct one, and of
// those the last.
func (p *peerTraffic) choose() {
	best := p.conns[0]
	for _, c := range p.conns[1:] {
		if best.relayed || !c.relayed {
			best = c
		}
	}
	p.current.Store(best)
}

// Of returns what c has carried.
func (t *Counter) Of(c network.Conn) Bytes {
	t.mu.Lock()
	defer t.mu.Unlock()
	if v, ok := t.peers.Load(c.RemotePeer()); ok {
		p, _ := v.(*peerTraffic)
		for _, known := range p.conns {
			if known.id == c.ID() {
				return Bytes{In: known.in.Load(), Out: known.out.Load()}
			}
		}
	}
	return Bytes{}
}

// connection returns the connection for which bytes of a peer count.
func (t *Counter) connection(p peer.ID) *connTraffic {
	v, ok := t.peers.Load(p)
	if !ok {
		return nil
	}
	pt, _ := v.(*peerTraffic)
	return pt.current.Load()
}

// LogSentMessageStream counts bytes sent.
func (t *Counter) LogSentMessageStream(n int64, _ protocol.ID, p peer.ID) {
	if c := t.connection(p); c != nil {
		c.out.Add(n)
	}
}

// LogRecvMessageStream counts bytes received.
func (t *Counter) LogRecvMessageStream(n int64, _ protocol.ID, p peer.ID) {
	if c := t.connection(p); c != nil {
		c.in.Add(n)
	}
}

// LogSentMessage has nothing to add to LogSentMessageStream.
func (t *Counter) LogSentMessage(int64) {}

// LogRecvMessage has nothing to add to LogRecvMessageStream.
func (t *Counter) LogRecvMessage(int64) {}

// GetBandwidthForPeer is not kept.
func (t *Counter) GetBandwidthForPeer(peer.ID) metrics.Stats { return metrics.Stats{} }

// GetBandwidthForProtocol is not kept.
func (t *Counter) GetBandwidthForProtocol(protocol.ID) metrics.Stats { return metrics.Stats{} }

// GetBandwidthTotals is not kept.
func (t *Counter) GetBandwidthTotals() metrics.Stats { return metrics.Stats{} }

// GetBandwidthByPeer is not kept.
func (t *Counter) GetBandwidthByPeer() map[peer.ID]metrics.Stats { return nil }

// GetBandwidthByProtocol is not kept.
func (t *Counter) GetBandwidthByProtocol() map[protocol.ID]metrics.Stats { return nil }

// Reset does nothing.
func (t *Counter) Reset() {}

// TrimIdle does nothing.
func (t *Counter) TrimIdle(time.Time) {}
