package admission

import (
	"container/list"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
)

// BacklogLimits bound the streams of strangers on which no request is being handled: those that
// wait for a request, and those whose message has not all come yet.
type BacklogLimits struct {
	PerPeer, PerAddress, Total int // streams
	BytesPerPeer, BytesInAll   int // of messages that have begun, as they announce them
	// Reserved is how many bytes each stream has reserved anyway; smaller messages don't count.
	Reserved int
}

// Backlog holds these streams. When there are too many, of a peer, behind an address, or in all,
// the one on which nothing has begun for the longest time is ended: an honest message is whole in a
// moment, and a stream that was kept for later is opened again.
type Backlog struct {
	BacklogLimits

	mu        sync.Mutex
	order     *list.List // of *Pending, oldest first
	peers     map[peer.ID]load
	addresses map[string]int
	bytes     int
}

type load struct{ streams, bytes int }

// Pending is a stream in a backlog.
type Pending struct {
	Asker
	bytes int
	end   func() // ends the stream
	at    *list.Element
}

// NewBacklog returns a Backlog without streams.
func NewBacklog(limits BacklogLimits) *Backlog {
	return &Backlog{BacklogLimits: limits, order: list.New(), peers: make(map[peer.ID]load), addresses: make(map[string]int)}
}

// Enter takes in a stream that waits for a request; end ends it, and may be called until Leave
// returns.
func (b *Backlog) Enter(a Asker, end func()) *Pending {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := &Pending{Asker: a, end: end}
	p.at = b.order.PushBack(p)
	of := b.peers[a.ID]
	of.streams++
	b.peers[a.ID] = of
	b.addresses[a.Address]++
	switch {
	case of.streams > b.PerPeer:
		b.evict(func(o *Pending) bool { return o.ID == a.ID })
	case a.Address != "" && b.addresses[a.Address] > b.PerAddress:
		b.evict(func(o *Pending) bool { return o.Address == a.Address })
	case b.order.Len() > b.Total:
		b.evict(func(*Pending) bool { return true })
	}
	return p
}

// Began notes that a message of so many bytes has begun on p.
func (b *Backlog) Began(p *Pending, size int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.at == nil {
		return // it has been ended
	}
	b.order.MoveToBack(p.at)
	if size <= b.Reserved {
		return
	}
	p.bytes = size
	of := b.peers[p.ID]
	of.bytes += size
	b.peers[p.ID] = of
	b.bytes += size
	ofOne := func(o *Pending) bool { return o.ID == p.ID && o.bytes > 0 && o != p }
	for more := true; more && b.peers[p.ID].bytes > b.BytesPerPeer; {
		more = b.evict(ofOne)
	}
	ofAny := func(o *Pending) bool { return o.bytes > 0 && o != p }
	for more := true; more && b.bytes > b.BytesInAll; {
		more = b.evict(ofAny)
	}
}

// Leave takes p out: its message is whole, or the stream ends.
func (b *Backlog) Leave(p *Pending) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remove(p)
}

// evict ends the oldest stream that is one of these, and reports whether there was one. The caller
// holds mu.
func (b *Backlog) evict(one func(*Pending) bool) bool {
	for e := b.order.Front(); e != nil; e = e.Next() {
		if p, _ := e.Value.(*Pending); one(p) {
			b.remove(p)
			p.end()
			return true
		}
	}
	return false
}

func (b *Backlog) remove(p *Pending) {
	if p.at == nil {
		return
	}
	b.order.Remove(p.at)
	p.at = nil
	of := b.peers[p.ID]
	of.streams--
	of.bytes -= p.bytes
	b.bytes -= p.bytes
	if b.peers[p.ID] = of; of.streams == 0 {
		delete(b.peers, p.ID)
	}
	if b.addresses[p.Address]--; b.addresses[p.Address] == 0 {
		delete(b.addresses, p.Address)
	}
}
