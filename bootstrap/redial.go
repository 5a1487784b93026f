package bootstrap

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/bootstrap/roster"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/ring"
)

const (
	// redialsAtOnce bounds how many remembered members are dialed at a time, and memberTimeout each
	// dial.
	redialsAtOnce = 16
	memberTimeout = 5 * time.Second
)

// redialAfter is when the members of the last run are dialed, from the start on: those that haven't
// registered until then.
var redialAfter = []time.Duration{0, 10 * time.Second, 30 * time.Second}

// redial connects to the members of the last run: when this peer has another address than then,
// they don't know where it is, and Register over the connection that they get. It returns when all
// have been tried or ctx ends.
func (p *Peer) redial(ctx context.Context, members []protocol.PeerInfo) {
	began := time.Now()
	for _, after := range redialAfter {
		timer := time.NewTimer(time.Until(began.Add(after)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		p.dialAll(ctx, members)
	}
}

// dialAll dials those of members that are still missing, and waits for the outcome.
func (p *Peer) dialAll(ctx context.Context, members []protocol.PeerInfo) {
	var wg sync.WaitGroup
	free := make(chan struct{}, redialsAtOnce)
	for _, m := range members {
		id := peer.ID(m.Position.ID)
		if len(m.Addrs) == 0 || !p.missing(m.Position.ID) {
			continue
		}
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			ctx, cancel := context.WithTimeout(ctx, memberTimeout)
			defer cancel()
			if err := p.host.Connect(ctx, peer.AddrInfo{ID: id, Addrs: m.Addrs}); err != nil {
				log.Debugw("a member of the last run doesn't answer where it was", "peer", id, "err", err)
			}
		})
	}
	wg.Wait()
}

// missing reports whether a member of the last run is not in the roster.
func (p *Peer) missing(id ring.ID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.roster.Status(id) == roster.Unknown
}
