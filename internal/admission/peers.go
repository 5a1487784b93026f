package admission

import (
	"context"
	"errors"
	"time"

	libp2pnet "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/pause"
	"github.com/p2pchord/p2pchord/network"
	wire "github.com/p2pchord/p2pchord/protocol"
)

const (
	// provedWithin bounds an exchange until the peer is admitted, and exchangeWithin the whole.
	provedWithin   = 10 * time.Second
	exchangeWithin = time.Minute
	// lingerFor is how long a connection stays open after its peer was refused: the reason given
	// with the stream gets lost if the connection ends at once.
	lingerFor = 200 * time.Millisecond
	// tries is how many exchanges a stream waits for, over different connections.
	tries = 2
)

// peerState is what is known of a connected peer.
type peerState struct {
	in      bool           // it may open streams here
	out     bool           // this peer may open streams there
	digest  network.Digest // what it had after the last exchange
	leaving bool           // it is told that it is no member any more, and then cut off
	running int            // exchanges that were begun here
	err     error          // of the last one
	changed chan struct{}  // closed and replaced with every change
}

// state returns the state of a peer. The lock must be held.
func (a *Admission) state(p peer.ID) *peerState {
	s := a.peers[p]
	if s == nil {
		s = &peerState{changed: make(chan struct{})}
		a.peers[p] = s
	}
	return s
}

// tell wakes those who wait for a change. The lock must be held.
func (s *peerState) tell() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// mark notes that a peer is admitted, what it has, and with out that it admits this one.
func (a *Admission) mark(p peer.ID, theirs network.Digest, out bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.state(p)
	s.in, s.digest = true, theirs
	s.out = s.out || out
	s.tell()
}

// watch follows the host's connections.
func (a *Admission) watch() *libp2pnet.NotifyBundle {
	return &libp2pnet.NotifyBundle{
		ConnectedF:    func(_ libp2pnet.Network, c libp2pnet.Conn) { a.connected(c) },
		DisconnectedF: func(_ libp2pnet.Network, c libp2pnet.Conn) { a.disconnected(c.RemotePeer()) },
	}
}

// connected begins an exchange over a connection that was dialed here. The other side begins one
// over those that it dialed.
func (a *Admission) connected(c libp2pnet.Conn) {
	if c.Stat().Direction != libp2pnet.DirOutbound {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.begin(c)
}

// disconnected forgets a peer after its last connection.
func (a *Admission) disconnected(p peer.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.peers[p]; s != nil && len(a.host.Network().ConnsToPeer(p)) == 0 {
		s.in, s.out = false, false
		s.tell()
		a.forget(p, s)
	}
}

// forget drops the state of a peer that there is no connection to. The lock must be held.
func (a *Admission) forget(p peer.ID, s *peerState) {
	if s.running == 0 && !s.leaving && len(a.host.Network().ConnsToPeer(p)) == 0 {
		delete(a.peers, p)
	}
}

// begin begins an exchange. The lock must be held.
func (a *Admission) begin(c libp2pnet.Conn) {
	p := c.RemotePeer()
	s := a.state(p)
	s.running++
	if !a.spawnLocked("admission", func(ctx context.Context) error { return a.dial(ctx, c) }, func(err error) { a.ended(c, err) }) {
		s.running--
	}
}

// ended notes the end of an exchange that was begun here. A connection over which it has failed is
// of no use, unless the peer is admitted by another.
func (a *Admission) ended(c libp2pnet.Conn, err error) {
	p := c.RemotePeer()
	if err != nil {
		log.Debugw("an exchange failed", "peer", p, "err", err)
	} else {
		a.settle()
	}
	a.mu.Lock()
	s := a.state(p)
	s.running--
	s.err = err
	s.tell()
	a.forget(p, s)
	a.mu.Unlock()
	if err != nil && !a.Admitted(p) {
		_ = c.CloseWithError(libp2pnet.ConnGated)
	}
}

// Await waits until a peer lets this one open streams, and begins an exchange if none is under way.
// Errors are of the kind fault.NotAllowed if the peer refuses this one or is no member, and
// fault.Unreachable if it doesn't answer.
func (a *Admission) Await(ctx context.Context, p peer.ID) error {
	if !a.network.Closed(a.now()) {
		return nil
	}
	var began int
	for {
		s, changed, err := a.look(p, &began)
		if s || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fault.New(fault.Unreachable, "no answer yet from %s about admission to the private network %s: %w", p, a.network.ID().Short(), ctx.Err())
		case <-a.ctx.Done():
			return fault.New(fault.Interrupted, "this peer is closing")
		}
	}
}

// look reports whether a peer lets this one open streams. If not, it returns what to wait for, or
// why that is in vain. began counts the exchanges that the caller has begun.
func (a *Admission) look(p peer.ID, began *int) (open bool, changed <-chan struct{}, err error) {
	select {
	case <-a.started:
	default:
		return false, a.started, nil
	}
	if a.network.Revoked(a.host.ID()) {
		msg := "this peer was revoked from the private network " + a.network.ID().Short()
		return false, nil, &fault.Error{Code: fault.NotAllowed, Msg: msg, Err: wire.ErrRevoked}
	}
	member := a.rolesOf(p) != 0
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.peers[p]
	if s != nil && s.out && s.in && member {
		return true, nil, nil
	}
	if s == nil || s.running == 0 {
		c := a.connection(p)
		switch {
		case *began >= tries && s != nil && s.err != nil:
			return false, nil, s.err
		case c == nil && s != nil && s.err != nil:
			return false, nil, s.err
		case c == nil || *began >= tries:
			return false, nil, fault.New(fault.Unreachable, "the connection to %s was lost before it was admitted", p)
		}
		*began++
		a.begin(c)
	}
	return false, a.state(p).changed, nil
}

// connection returns a connection to a peer, a direct one if there is one; nil if there is none.
func (a *Admission) connection(p peer.ID) (best libp2pnet.Conn) {
	for _, c := range a.host.Network().ConnsToPeer(p) {
		if !c.IsClosed() && (best == nil || best.Stat().Limited) {
			best = c
		}
	}
	return best
}

// spawn runs f in a goroutine that Close waits for.
func (a *Admission) spawn(what string, f func(context.Context) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.spawnLocked(what, f, func(error) {})
}

// spawnLocked is spawn with the lock held. done gets the outcome; it is not called when a is
// closed, and spawnLocked returns false.
func (a *Admission) spawnLocked(what string, f func(context.Context) error, done func(error)) bool {
	if a.closed {
		return false
	}
	a.wg.Go(func() { done(contain.Run(what, func() error { return f(a.ctx) })) })
	return true
}

// handle answers one stream of another peer.
func (a *Admission) handle(s libp2pnet.Stream, answer func(libp2pnet.Stream) error) {
	c := s.Conn()
	a.mu.Lock()
	ok := a.spawnLocked("admission", func(ctx context.Context) error {
		stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
		defer stop()
		return answer(s)
	}, func(err error) {
		if err == nil {
			_ = s.Close()
			return
		}
		log.Debugw("a peer was not admitted", "peer", c.RemotePeer(), "err", err)
		_ = s.ResetWithError(libp2pnet.StreamGated)
		if errors.Is(err, errRefused) && !a.Admitted(c.RemotePeer()) {
			_ = pause.For(a.ctx, lingerFor)
			_ = c.CloseWithError(libp2pnet.ConnGated)
		}
	})
	a.mu.Unlock()
	if !ok {
		_ = s.Reset()
	}
}
