package liveness

import (
	"context"
	"sync"
	"time"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/p2phost/traffic"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

const (
	// lookEvery is how often the connections are looked at.
	lookEvery = time.Second
	// quietFor is how long nothing may have come over a connection before the peer is pinged.
	quietFor = 2 * time.Second
	// pingTimeout is how long the peer may take to answer, and how long sending may stand still
	// while it takes longer.
	pingTimeout = 3 * time.Second
	// busyTimeout is how long the answer may take while much is being sent: the ping waits behind
	// all that is in buffers.
	busyTimeout = 30 * time.Second
	// busyBytes is how much has to leave within pingTimeout to be much. Requests of the ring are
	// less.
	busyBytes = 16 << 10
)

var log = golog.Logger("p2pchord/host")

// watcher closes connections that no longer work.
type watcher struct {
	host  host.Host
	count func(network.Conn) traffic.Bytes
	all   bool
	wg    sync.WaitGroup

	narrow narrowWatch // of the goroutine that looks

	mu   sync.Mutex
	last map[string]*lastSign // by connection
}

// lastSign is when a connection last gave a sign of life.
type lastSign struct {
	traffic traffic.Bytes
	at      time.Time
	pinging bool
}

// Start watches h until ctx ends; wait waits for that. It watches all connections that matter, or
// only those that seem replaced. count returns what a connection has carried.
func Start(ctx context.Context, h host.Host, count func(network.Conn) traffic.Bytes, all bool) (wait func()) {
	w := &watcher{host: h, count: count, all: all, narrow: make(narrowWatch), last: make(map[string]*lastSign)}
	w.wg.Go(func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				w.look(ctx, time.Now())
			}
		}
	})
	return w.wg.Wait
}

// look pings the peers whose connections are quiet, and closes those that have moved or whose path
// is too narrow.
func (w *watcher) look(ctx context.Context, now time.Time) {
	conns := w.host.Network().Conns()
	carriers, newest, count := make(map[peer.ID]bool), make(map[peer.ID]time.Time), make(map[peer.ID]int)
	for _, c := range conns {
		if moved(c, now) {
			log.Debugw("a peer has moved", "peer", c.RemotePeer(), "addr", c.RemoteMultiaddr())
			_ = c.Close() // the peer makes another
			continue
		}
		if w.narrow.look(c) {
			log.Infow("the path to a peer no longer carries QUIC's packets; connecting again", "peer", c.RemotePeer(), "addr", c.RemoteMultiaddr())
			_ = c.Close() // over QUIC there is no other, over TCP there is
			continue
		}
		count[c.RemotePeer()]++
		if id, ok := peeraddr.Relay(c.RemoteMultiaddr()); ok {
			carriers[id] = true
		} else if t := c.Stat().Opened; t.After(newest[c.RemotePeer()]) {
			newest[c.RemotePeer()] = t
		}
	}
	w.narrow.keep(conns)
	w.mu.Lock()
	defer w.mu.Unlock()
	open := make(map[string]bool, len(conns))
	for _, c := range conns {
		replaced := !peeraddr.IsRelay(c.RemoteMultiaddr()) && c.Stat().Opened.Before(newest[c.RemotePeer()])
		matters := w.all && (carriers[c.RemotePeer()] || w.host.ConnManager().IsProtected(c.RemotePeer(), ""))
		if !replaced && !matters {
			continue
		}
		open[c.ID()] = true
		s := w.last[c.ID()]
		if s == nil {
			s = &lastSign{traffic: w.count(c), at: now}
			if replaced {
				s.at = now.Add(-quietFor) // its peer had a reason to connect again
			}
			w.last[c.ID()] = s
		}
		alone := count[c.RemotePeer()] == 1
		if s.pinging || !s.quiet(w.count(c), alone, now) {
			continue
		}
		s.pinging = true
		w.wg.Go(func() { w.ping(ctx, c, s, alone) })
	}
	for id := range w.last {
		if !open[id] {
			delete(w.last, id)
		}
	}
}

// quiet takes in what has come over the connection and reports whether nothing has for quietFor.
// What comes from a peer with several connections says nothing about a single one of them (see
// traffic.Counter).
func (s *lastSign) quiet(t traffic.Bytes, alone bool, now time.Time) bool {
	if alone && t.In != s.traffic.In {
		s.traffic, s.at = t, now
	}
	return now.Sub(s.at) >= quietFor
}

// ping pings the peer and closes the connection when no answer comes. While much is being sent the
// answer may take its time, as long as that moves: into a dead connection it soon doesn't.
func (w *watcher) ping(ctx context.Context, c network.Conn, s *lastSign, alone bool) {
	alive := func() bool {
		if !alone {
			return answers(ctx, c, 2*pingTimeout) == nil
		}
		answer := make(chan error, 1)
		w.wg.Go(func() { answer <- answers(ctx, c, busyTimeout) })
		began := w.count(c)
		moved, out := time.Now(), began.Out
		tick := time.NewTicker(pingTimeout / 4)
		defer tick.Stop()
		for {
			select {
			case err := <-answer:
				return err == nil || w.count(c).In != began.In
			case now := <-tick.C:
				t := w.count(c)
				if t.In != began.In {
					return true
				}
				if t.Out-out >= busyBytes {
					moved, out = now, t.Out
				}
				if now.Sub(moved) >= pingTimeout {
					return false
				}
			}
		}
	}()
	w.mu.Lock()
	s.pinging, s.at = false, time.Now()
	w.mu.Unlock()
	if alive || ctx.Err() != nil {
		return
	}
	log.Debugw("a connection has died", "peer", c.RemotePeer(), "addr", c.RemoteMultiaddr())
	_ = c.Close() // it is given up, and with it the ping
}

// answers returns an error unless the other end answers a ping over c within the time.
func answers(ctx context.Context, c network.Conn, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return connpath.Ping(ctx, c)
}
