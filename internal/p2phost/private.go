package p2phost

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/p2pchord/p2pchord/internal/p2phost/limits"
)

// ProbationTime is how long a connection to a private host may last before its peer is admitted.
const ProbationTime = 10 * time.Second

// probation closes the connections of a private host whose peers aren't admitted in time.
type probation struct {
	access limits.Access

	mu     sync.Mutex
	closed bool
	timers map[network.Conn]*time.Timer
	wg     sync.WaitGroup // of timers that have fired
}

// startProbation watches the connections of h. The returned function ends that, and waits.
func startProbation(h host.Host, access limits.Access) (stop func() error) {
	p := &probation{access: access, timers: make(map[network.Conn]*time.Timer)}
	watch := &network.NotifyBundle{
		ConnectedF:    func(_ network.Network, c network.Conn) { p.begin(c) },
		DisconnectedF: func(_ network.Network, c network.Conn) { p.end(c) },
	}
	h.Network().Notify(watch)
	for _, c := range h.Network().Conns() {
		p.begin(c)
	}
	return func() error {
		h.Network().StopNotify(watch)
		p.stop()
		return nil
	}
}

func (p *probation) begin(c network.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.timers[c] != nil || c.IsClosed() {
		return
	}
	p.timers[c] = time.AfterFunc(ProbationTime, func() { p.expire(c) })
}

func (p *probation) end(c network.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.timers[c]; t != nil {
		t.Stop()
		delete(p.timers, c)
	}
}

// expire closes a connection, unless its peer has been admitted.
func (p *probation) expire(c network.Conn) {
	p.mu.Lock()
	if p.closed || p.timers[c] == nil {
		p.mu.Unlock()
		return
	}
	delete(p.timers, c)
	p.wg.Add(1)
	p.mu.Unlock()
	defer p.wg.Done()
	if !p.access.Admitted(c.RemotePeer()) {
		_ = c.Close() // it is of no more use
	}
}

func (p *probation) stop() {
	p.mu.Lock()
	p.closed = true
	for c, t := range p.timers {
		t.Stop()
		delete(p.timers, c)
	}
	p.mu.Unlock()
	p.wg.Wait()
}

// NewStream opens a stream to a peer, as libp2p's host does. At a private host it waits until the
// peer lets this one open streams, so that no caller has to know of admission.
func (m *managed) NewStream(ctx context.Context, p peer.ID, ids ...protocol.ID) (network.Stream, error) {
	if m.cfg.Access == nil || limits.OpenToAll(m.cfg.Access, ids...) {
		return m.Host.NewStream(ctx, p, ids...)
	}
	if nodial, _ := network.GetNoDial(ctx); !nodial {
		if err := m.Connect(ctx, peer.AddrInfo{ID: p}); err != nil {
			return nil, err
		}
	}
	if err := m.cfg.Access.Await(ctx, p); err != nil {
		return nil, err
	}
	return m.Host.NewStream(ctx, p, ids...)
}
