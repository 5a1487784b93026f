package upgrade

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"

	"github.com/p2pchord/p2pchord/internal/p2phost/dial"
	"github.com/p2pchord/p2pchord/internal/p2phost/observed"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

const (
	// lookEvery is how often the connections are looked at.
	lookEvery = 500 * time.Millisecond
	// firstPunch and lastPunch bound the wait between tries to punch a hole to a peer; it doubles
	// each time.
	firstPunch = 500 * time.Millisecond
	lastPunch  = 5 * time.Minute
	// supersededFor is how long a relayed connection stays open, when nothing moves on it, beside a
	// direct one.
	supersededFor = 5 * time.Second
	// localTimeout bounds a dial within the local network.
	localTimeout = 3 * time.Second
	// triesAtOnce bounds the peers that are tried at a time.
	triesAtOnce = 8
)

var log = golog.Logger("p2pchord/host")

// Upgrader turns relayed connections into direct ones. libp2p tries once, when the relayed
// connection is made, which may be before this host knows its own external address. The Upgrader
// tries again, and at once when that becomes known or changes. Of two peers only the one that was
// connected to can punch (DCUtR's rule).
type Upgrader struct {
	host     host.Host
	observed *observed.Addresses
	log      *Log
	ids      identify.IDService

	slots chan struct{}
	wg    sync.WaitGroup

	// Of the run goroutine alone:
	service *holepunch.Service // nil until this host knows an external address
	tries   map[peer.ID]*tries
}

// tries is the state of a peer's hole punching.
type tries struct {
	next    time.Time
	wait    time.Duration
	running chan struct{} // closed when a try has ended
}

// Start starts hole punching on h, until ctx ends. l, if not nil, gets the attempts.
func Start(ctx context.Context, h host.Host, o *observed.Addresses, l *Log) (*Upgrader, error) {
	ids, ok := h.(interface{ IDService() identify.IDService })
	if !ok {
		return nil, fmt.Errorf("%T has no identify service", h)
	}
	u := &Upgrader{
		host: h, observed: o, log: l, ids: ids.IDService(),
		slots: make(chan struct{}, triesAtOnce), tries: make(map[peer.ID]*tries),
	}
	u.wg.Go(func() { u.run(ctx) })
	return u, nil
}

// Close waits until hole punching has ended. Its context must have ended.
func (u *Upgrader) Close() error {
	u.wg.Wait()
	return nil
}

// begin starts DCUtR's service as soon as there is an address to tell. The service itself would
// look at intervals, and a peer that connects in between would try in vain.
func (u *Upgrader) begin() {
	if u.service != nil || len(u.observed.Punchable()) == 0 {
		return
	}
	opts := []holepunch.Option{holepunch.WithAddrFilter(newFilter(u.host, u.observed))}
	if u.log != nil {
		opts = append(opts, holepunch.WithTracer(u.log))
	}
	s, err := holepunch.NewService(u.host, u.ids, u.observed.Punchable, opts...)
	if err != nil {
		log.Warnw("holes can't be punched", "err", err)
		return
	}
	u.service = s
}

func (u *Upgrader) run(ctx context.Context) {
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
		case <-u.observed.Changed():
			for _, t := range u.tries {
				t.next, t.wait = time.Now(), firstPunch
			}
		case <-tick.C:
		}
		u.look(ctx, time.Now())
	}
}

// look closes relayed connections that a direct one has replaced, and tries to replace others.
func (u *Upgrader) look(ctx context.Context, now time.Time) {
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

// try connects to p directly when it is time to: within the local network, or by punching a hole.
func (u *Upgrader) try(ctx context.Context, p peer.ID, punch bool, now time.Time) {
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
	near := observed.Compare(u.observed.IPs(), u.observed.IPsOf(p)) == observed.Same
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
		if near && u.dialLocally(ctx, p) || !punch {
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

// dialLocally dials p at its addresses when it turns out to be behind the same router. A hole
// needn't be punched there, and where one of the two is behind a further router only the other can
// be dialed.
func (u *Upgrader) dialLocally(ctx context.Context, p peer.ID) bool {
	ctx, cancel := context.WithTimeout(network.WithForceDirectDial(ctx, "behind the same router"), localTimeout)
	defer cancel()
	dial.ClearBackoff(u.host, p)
	if err := u.host.Connect(ctx, peer.AddrInfo{ID: p}); err != nil {
		log.Debugw("behind the same router, but not reached", "peer", p, "err", err)
		u.observed.Miss(p)
		return false
	}
	return true
}
