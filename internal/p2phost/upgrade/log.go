package upgrade

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
)

// Attempt is how the last attempt at a direct connection with a peer ended.
type Attempt struct {
	Peer     peer.ID
	At       time.Time // when that became known
	Direct   bool      // a direct connection came of it
	Dialed   bool      // the peer was reached without punching
	Attempts int       // punches tried
	Took     time.Duration
	Err      string // why it failed
	Under    bool   // it is under way
}

// maxAttempts bounds the peers whose last attempt is remembered.
const maxAttempts = 64

// Log remembers the last attempt with each peer. It is a holepunch.EventTracer. The zero value is
// ready. It is safe for concurrent use.
type Log struct {
	mu    sync.Mutex
	peers []Attempt // the newest last
}

var _ holepunch.EventTracer = (*Log)(nil)

// Trace takes in one step of an attempt.
func (l *Log) Trace(e *holepunch.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.take(e.Remote)
	p.At = time.Unix(0, e.Timestamp)
	switch evt := e.Evt.(type) {
	case *holepunch.DirectDialEvt:
		*p = Attempt{Peer: e.Remote, At: p.At, Dialed: true, Direct: evt.Success, Took: evt.EllapsedTime, Err: evt.Error}
	case *holepunch.StartHolePunchEvt:
		*p = Attempt{Peer: e.Remote, At: p.At, Under: true}
	case *holepunch.HolePunchAttemptEvt:
		p.Attempts++
	case *holepunch.EndHolePunchEvt:
		p.Under, p.Direct, p.Took, p.Err = false, evt.Success, evt.EllapsedTime, evt.Error
	case *holepunch.ProtocolErrorEvt:
		p.Under, p.Direct, p.Err = false, false, evt.Error
	}
}

// take moves the peer's entry to the end and returns it.
func (l *Log) take(id peer.ID) *Attempt {
	last := Attempt{Peer: id}
	for i, p := range l.peers {
		if p.Peer == id {
			last = p
			l.peers = append(l.peers[:i], l.peers[i+1:]...)
			break
		}
	}
	if len(l.peers) == maxAttempts {
		l.peers = l.peers[1:]
	}
	l.peers = append(l.peers, last)
	return &l.peers[len(l.peers)-1]
}

// Attempts returns the last attempt with each peer, the newest first.
func (l *Log) Attempts() []Attempt {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Attempt, 0, len(l.peers))
	for i := len(l.peers) - 1; i >= 0; i-- {
		out = append(out, l.peers[i])
	}
	return out
}
