package p2phost

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

const (
	// pulseEvery is how often the connections are looked at.
	pulseEvery = time.Second
	// quietFor is how long nothing may have come over a connection before the other end is asked.
	quietFor = 2 * time.Second
	// answerWithin is how long the other end may take to answer, and how long sending may stand still while it takes longer.
	answerWithin = 3 * time.Second
	// busyWithin is how long it may take while much is being sent: the question waits behind all that is in buffers.
	busyWithin = 30 * time.Second
	// busyBytes is how much has to leave within answerWithin to be much; requests of the ring are less.
	busyBytes = 16 << 10
)

// pulse closes connections that have died without a word: those of a peer that is gone, or of a router that has
// another address. libp2p notices after 30 s at the earliest, and keeps sending requests into the void until then. It watches the
// connections that matter, those to peers that are protected (neighbours, bootstrap peers, relays) and to relays that carry others.
//
// It also closes connections of peers that have moved (see moved), and of those to which the path has become too narrow for
// QUIC (see narrowed).
//
// A bootstrap peer, which has many peers that beat by themselves, watches only connections of peers that have made another one since.
type pulse struct {
	host  host.Host
	watch *Watch
	all   bool
	wg    sync.WaitGroup

	narrow narrowWatch // of the goroutine that looks

	mu   sync.Mutex
	last map[string]*beat // by connection
}

// beat is when a connection last gave a sign of life.
type beat struct {
	traffic Traffic
	at      time.Time
	asking  bool
}

// startPulse watches h until ctx ends, all connections that matter or only those that seem replaced; wait waits for that.
func startPulse(ctx context.Context, h host.Host, watch *Watch, all bool) (wait func()) {
	p := &pulse{host: h, watch: watch, all: all, narrow: make(narrowWatch), last: make(map[string]*beat)}
	p.wg.Go(func() {
		tick := time.NewTicker(pulseEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				p.look(ctx, time.Now())
			}
		}
	})
	return p.wg.Wait
}

// look asks the ends of connections that are quiet.
func (p *pulse) look(ctx context.Context, now time.Time) {
	conns := p.host.Network().Conns()
	carriers, newest, count := make(map[peer.ID]bool), make(map[peer.ID]time.Time), make(map[peer.ID]int)
	for _, c := range conns {
		if moved(c, now) {
			log.Debugw("a peer has moved", "peer", c.RemotePeer(), "addr", c.RemoteMultiaddr())
			_ = c.Close() // the peer makes another
			continue
		}
		if p.narrow.look(c) {
			log.Infow("the path to a peer no longer carries QUIC's packets; it is connected to anew", "peer", c.RemotePeer(), "addr", c.RemoteMultiaddr())
			_ = c.Close() // over QUIC there is no other, over TCP there is
			continue
		}
		count[c.RemotePeer()]++
		if id, ok := connpath.Relay(c.RemoteMultiaddr()); ok {
			carriers[id] = true
		} else if t := c.Stat().Opened; t.After(newest[c.RemotePeer()]) {
			newest[c.RemotePeer()] = t
		}
	}
	p.narrow.keep(conns)
	p.mu.Lock()
	defer p.mu.Unlock()
	open := make(map[string]bool, len(conns))
	for _, c := range conns {
		replaced := !peeraddr.IsRelay(c.RemoteMultiaddr()) && c.Stat().Opened.Before(newest[c.RemotePeer()])
		matters := p.all && (carriers[c.RemotePeer()] || p.host.ConnManager().IsProtected(c.RemotePeer(), ""))
		if !replaced && !matters {
			continue
		}
		open[c.ID()] = true
		b := p.last[c.ID()]
		if b == nil {
			b = &beat{traffic: p.watch.Traffic(c), at: now}
			if replaced {
				b.at = now.Add(-quietFor) // its peer had a reason to connect again
			}
			p.last[c.ID()] = b
		}
		alone := count[c.RemotePeer()] == 1
		if b.asking || !b.quiet(p.watch.Traffic(c), alone, now) {
			continue
		}
		b.asking = true
		p.wg.Go(func() { p.ask(ctx, c, b, alone) })
	}
	for id := range p.last {
		if !open[id] {
			delete(p.last, id)
		}
	}
}

// quiet takes in what has come over the connection and reports whether nothing has for quietFor. What comes from a peer
// with several connections says nothing about a single one of them (see Watch.Traffic).
func (b *beat) quiet(t Traffic, alone bool, now time.Time) bool {
	if alone && t.In != b.traffic.In {
		b.traffic, b.at = t, now
	}
	return now.Sub(b.at) >= quietFor
}

// ask pings the other end and closes the connection when it is silent. While much is being sent it may take its time,
// for as long as that moves: into a dead connection it soon doesn't.
func (p *pulse) ask(ctx context.Context, c network.Conn, b *beat, alone bool) {
	alive := func() bool {
		if !alone {
			return answers(ctx, c, 2*answerWithin) == nil
		}
		answer := make(chan error, 1)
		p.wg.Go(func() { answer <- answers(ctx, c, busyWithin) })
		began := p.watch.Traffic(c)
		moved, out := time.Now(), began.Out
		tick := time.NewTicker(answerWithin / 4)
		defer tick.Stop()
		for {
			select {
			case err := <-answer:
				return err == nil || p.watch.Traffic(c).In != began.In
			case now := <-tick.C:
				t := p.watch.Traffic(c)
				if t.In != began.In {
					return true
				}
				if t.Out-out >= busyBytes {
					moved, out = now, t.Out
				}
				if now.Sub(moved) >= answerWithin {
					return false
				}
			}
		}
	}()
	p.mu.Lock()
	b.asking, b.at = false, time.Now()
	p.mu.Unlock()
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
