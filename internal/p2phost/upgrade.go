package p2phost

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"

	"github.com/p2pchord/p2pchord/internal/p2phost/dial"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

const (
	// lookEvery is how often the connections are looked at.
	lookEvery = 500 * time.Millisecond
	// firstPunch and lastPunch bound the wait between tries to punch a hole to a peer; it doubles each time.
	firstPunch = 500 * time.Millisecond
	lastPunch  = 5 * time.Minute
	// supersededFor is how long a relayed connection stays open, when nothing moves on it, beside a direct one.
	supersededFor = 5 * time.Second
	// withinTimeout bounds a dial within one's own network.
	withinTimeout = 3 * time.Second
	// punchesAtOnce bounds the holes punched at a time.
	punchesAtOnce = 8
)

// upgrader turns relayed connections into direct ones. libp2p tries once, when the relayed
// connection is made, which may be before this host knows its own address outside; the upgrader tries again, and at once
// when that becomes known or changes. Of two peers only the one that was connected to can punch (DCUtR's rule).
type upgrader struct {
	host    host.Host
	outside *outside
	watch   *Watch
	ids     identify.IDService

	slots chan struct{}
	wg    sync.WaitGroup

	// Of the run goroutine alone:
	service *holepunch.Service // nil until this host knows an address outside
	tries   map[peer.ID]*tries
}

// tries is how a peer's hole punching stands.
type tries struct {
	next    time.Time
	wait    time.Duration
	running chan struct{} // closed when a try has ended
}

// newUpgrader starts hole punching on h, until ctx ends.
func newUpgrader(ctx context.Context, h host.Host, o *outside, watch *Watch) (*upgrader, error) {
	ids, ok := h.(interface{ IDService() identify.IDService })
	if !ok {
		return nil, fmt.Errorf("%T has no identify service", h)
	}
	u := &upgrader{
		host: h, outside: o, watch: watch, ids: ids.IDService(),
		slots: make(chan struct{}, punchesAtOnce), tries: make(map[peer.ID]*tries),
	}
	u.wg.Go(func() { u.run(ctx) })
	return u, nil
}

// close waits until hole punching has ended; its context must have.
func (u *upgrader) close() error {
	u.wg.Wait()
	return nil
}

// begin starts DCUtR's service as soon as there is an address to tell. The service itself would look at intervals, and
// a peer that connects in between would try in vain.
func (u *upgrader) begin() {
	if u.service != nil || len(u.outside.punchable()) == 0 {
		return
	}
	s, err := holepunch.NewService(u.host, u.ids, u.outside.punchable, u.watch.punching(newPunchFilter(u.host, u.outside))...)
	if err != nil {
		log.Warnw("holes can't be punched", "err", err)
		return
	}
	u.service = s
}

func (u *upgrader) run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	defer func() {
		if u.service != nil {
			_ = u.service.Close() // it can only say that it is closed already
		}
	}()
	for {
		u.begin()
		select {
		case <-ctx.Done():
			return
		case <-u.outside.changed:
			for _, t := range u.tries {
				t.next, t.wait = time.Now(), firstPunch
			}
		case <-tick.C:
		}
		u.look(ctx, time.Now())
	}
}

// look closes relayed connections that a direct one has replaced, and tries to replace others.
func (u *upgrader) look(ctx context.Context, now time.Time) {
	wanted := make(map[peer.ID]bool) // and whether a hole may be punched from here
	for _, c := range u.host.Network().Conns() {
		if !peeraddr.IsRelay(c.RemoteMultiaddr()) {
			continue
		}
		p := c.RemotePeer()
		if direct := directConn(u.host, p); direct != nil {
			if now.Sub(direct.Stat().Opened) > supersededFor && len(c.GetStreams()) == 0 {
				_ = c.Close() // it is of no more use
			}
		} else {
			wanted[p] = wanted[p] || c.Stat().Direction == network.DirInbound && u.service != nil
		}
	}
	for p := range u.tries {
		if _, ok := wanted[p]; !ok {
			delete(u.tries, p)
		}
	}
	for p, punch := range wanted {
		u.try(ctx, p, punch, now)
	}
}

// try connects to p directly when it is time to: within one's own network, or by punching a hole.
func (u *upgrader) try(ctx context.Context, p peer.ID, punch bool, now time.Time) {
	t := u.tries[p]
	if t == nil {
		u.tries[p] = &tries{next: now.Add(firstPunch), wait: firstPunch}
		return
	}
	if t.running != nil {
		select {
		case <-t.running:
			t.running = nil
			t.next = now.Add(t.wait)
			t.wait = min(2*t.wait, lastPunch)
		default:
		}
		return
	}
	near := together(u.outside.ips(), u.outside.ipsOf(p)) == same
	if now.Before(t.next) || !near && !punch {
		return
	}
	select {
	case u.slots <- struct{}{}:
	default:
		return // its turn comes
	}
	done := make(chan struct{})
	t.running = done
	service := u.service
	u.wg.Go(func() {
		defer close(done)
		defer func() { <-u.slots }()
		if near && u.within(ctx, p) || !punch {
			return
		}
		if err := service.DirectConnect(p); err != nil && !errors.Is(err, holepunch.ErrHolePunchActive) {
			log.Debugw("no hole punched", "peer", p, "err", err)
		}
	})
}

// directConn returns a connection to p that doesn't go through a relay, or nil.
func directConn(h host.Host, p peer.ID) network.Conn {
	for _, c := range h.Network().ConnsToPeer(p) {
		if !peeraddr.IsRelay(c.RemoteMultiaddr()) && !c.IsClosed() {
			return c
		}
	}
	return nil
}

// within dials p at its addresses when it turns out to be behind the same router. A hole needn't be
// punched there, and where one of the two stands behind a further router only the other can be dialed.
func (u *upgrader) within(ctx context.Context, p peer.ID) bool {
	ctx, cancel := context.WithTimeout(network.WithForceDirectDial(ctx, "behind the same router"), withinTimeout)
	defer cancel()
	dial.ClearBackoff(u.host, p)
	if err := u.host.Connect(ctx, peer.AddrInfo{ID: p}); err != nil {
		log.Debugw("behind the same router, but not reached", "peer", p, "err", err)
		u.outside.miss(p)
		return false
	}
	return true
}
