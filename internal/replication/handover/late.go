package handover

import (
	"errors"
	"sync"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// lateCopies are the records that came in while others were being handed over. It is safe for
// concurrent use.
type lateCopies struct {
	mu      sync.Mutex
	entries []store.Entry
}

func (l *lateCopies) add(e store.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, e)
}

// take returns them, and forgets them.
func (l *lateCopies) take() []store.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	entries := l.entries
	l.entries = nil
	return entries
}

func (l *lateCopies) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

// maxUnanswered is how many records in a row a peer may leave unanswered before a leaving node
// gives it no more. Each costs the time of a request, and there may be thousands.
const maxUnanswered = 3

// silentPeers are the peers that don't answer a leaving node. The zero value is ready, and safe for
// concurrent use.
type silentPeers struct {
	mu         sync.Mutex
	unanswered map[ring.Position]int
	last       map[ring.Position]error
}

// note counts the outcome of a request, and reports whether it had no answer. Any answer, even a
// refusal, ends the count.
func (p *silentPeers) note(peer ring.Position, err error) (silent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil || fault.CodeOf(err) != fault.Unreachable && !errors.Is(err, protocol.ErrNoAnswer) {
		delete(p.unanswered, peer)
		return false
	}
	if p.unanswered == nil {
		p.unanswered, p.last = make(map[ring.Position]int), make(map[ring.Position]error)
	}
	p.unanswered[peer]++
	p.last[peer] = err
	return true
}

// gaveUp returns the last error of a peer that is given no more, else nil.
func (p *silentPeers) gaveUp(peer ring.Position) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unanswered[peer] < maxUnanswered {
		return nil
	}
	return p.last[peer]
}

// reset gives every peer another chance.
func (p *silentPeers) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.unanswered)
}
