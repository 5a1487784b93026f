package protocol

import (
	"container/list"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
)

// backlogLimits bound the streams of strangers on which no request is being handled: those that
// wait for a request, and those whose message has not all come yet.
type backlogLimits struct {
	perPeer, perAddress, total int // streams
	bytesPerPeer, bytesInAll   int // of messages that have begun, as they announce them
}

var defaultBacklog = backlogLimits{
	perPeer: 64, perAddress: 1024, total: 4096,
	bytesPerPeer: 4 * MaxFileMessage, bytesInAll: 16 * MaxFileMessage,
}

// backlog holds these streams. When there are too many, of a peer, behind an address, or in all,
// the one on which nothing has begun for the longest time is ended: an honest message is whole in a
// moment, and a stream that was kept for later is opened again.
type backlog struct {
	backlogLimits

	mu        sync.Mutex
	order     *list.List // of *pending, oldest first
	peers     map[peer.ID]load
	addresses map[string]int
	bytes     int
}

type load struct{ streams, bytes int }

// pending is a stream in a backlog.
type pending struct {
	asker
	bytes int
	end   func() // ends the stream
	at    *list.Element
}

func newBacklog(limits backlogLimits) *backlog {
	return &backlog{backlogLimits: limits, order: list.New(), peers: make(map[peer.ID]load), addresses: make(map[string]int)}
}

// enter takes in a stream that waits for a request; end ends it, and may be called until leave
// returns.
func (b *backlog) enter(a asker, end func()) *pending {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := &pending{asker: a, end: end}
	p.at = b.order.PushBack(p)
	of := b.peers[a.id]
	of.streams++
	b.peers[a.id] = of
	b.addresses[a.address]++
	switch {
	case of.streams > b.perPeer:
		b.evict(func(o *pending) bool { return o.id == a.id })
	case a.address != "" && b.addresses[a.address] > b.perAddress:
		b.evict(func(o *pending) bool { return o.address == a.address })
	case b.order.Len() > b.total:
		b.evict(func(*pending) bool { return true })
	}
	return p
}

// began notes that a message of so many bytes has begun on p.
func (b *backlog) began(p *pending, size int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.at == nil {
		return // it has been ended
	}
	b.order.MoveToBack(p.at)
	if size <= readBuffer { // what the stream has reserved anyway
		return
	}
	p.bytes = size
	of := b.peers[p.id]
	of.bytes += size
	b.peers[p.id] = of
	b.bytes += size
	ofOne := func(o *pending) bool { return o.id == p.id && o.bytes > 0 && o != p }
	for more := true; more && b.peers[p.id].bytes > b.bytesPerPeer; {
		more = b.evict(ofOne)
	}
	ofAny := func(o *pending) bool { return o.bytes > 0 && o != p }
	for more := true; more && b.bytes > b.bytesInAll; {
		more = b.evict(ofAny)
	}
}

// leave takes p out: its message is whole, or the stream ends.
func (b *backlog) leave(p *pending) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remove(p)
}

// evict ends the oldest stream that is one of these, and reports whether there was one. The caller
// holds mu.
func (b *backlog) evict(one func(*pending) bool) bool {
	for e := b.order.Front(); e != nil; e = e.Next() {
		if p, _ := e.Value.(*pending); one(p) {
			b.remove(p)
			p.end()
			return true
		}
	}
	return false
}

func (b *backlog) remove(p *pending) {
	if p.at == nil {
		return
	}
	b.order.Remove(p.at)
	p.at = nil
	of := b.peers[p.id]
	of.streams--
	of.bytes -= p.bytes
	b.bytes -= p.bytes
	if b.peers[p.id] = of; of.streams == 0 {
		delete(b.peers, p.id)
	}
	if b.addresses[p.address]--; b.addresses[p.address] == 0 {
		delete(b.addresses, p.address)
	}
}
