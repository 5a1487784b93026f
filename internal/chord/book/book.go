// Package book knows the peers of a libp2p host: the verified description of each peer heard of.
//
// It decides which of two descriptions of one peer counts, bounds how many are kept, and gives
// their addresses to the host. It asks nobody, and starts no goroutines. No other lock is taken
// while its lock is held, but those of the host.
package book

import (
	lru "container/list"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/p2pchord/p2pchord/internal/p2phost/dial"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

const (
	// maxPeers bounds the peers known by a full description.
	maxPeers = 4096
	// addressTTL is how long addresses from signed records are kept without being confirmed.
	addressTTL = 2 * time.Hour
)

// Book remembers who is who: the verified description of every peer heard of, by ID. What it learns
// goes into the host's address book as well, and leaves it with the description. When the book is
// full, the description that was not used for longest makes room, but none of a connected peer or
// of one that must stay. It is safe for concurrent use.
type Book struct {
	host host.Host
	ring protocol.Ring
	size int
	keep func(ring.ID) bool
	self atomic.Pointer[pb.Peer]

	mu    sync.Mutex
	peers map[ring.ID]*entry
	used  lru.List // of ring.ID, the one used last in front
}

// entry is what is known of one peer.
type entry struct {
	info protocol.PeerInfo
	own  bool // the peer itself has said so, on a connection of its own
	at   *lru.Element
}

// New returns the empty book of a host in a ring. keep names peers whose descriptions must stay. It
// may be nil, and must not call the book.
func New(h host.Host, in protocol.Ring, keep func(ring.ID) bool) *Book {
	return &Book{host: h, ring: in, size: maxPeers, keep: keep, peers: make(map[ring.ID]*entry)}
}

// DescribeSelf renews the host's own description, of its present addresses. It is called before
// Self and when they have changed.
func (b *Book) DescribeSelf(address protocol.RingAddress) error {
	p, err := b.ring.Describe(b.host, address)
	if err != nil {
		return err
	}
	b.self.Store(p)
	return nil
}

// Self is the host's own description, as others get it.
func (b *Book) Self() *pb.Peer { return b.self.Load() }

// Parse verifies a description, and keeps nothing. In a private ring it refuses those of peers that
// are not granted the place that they name, and so do Learn and LearnFrom.
func (b *Book) Parse(d *pb.Peer) (protocol.PeerInfo, error) { return b.ring.Parse(d) }

// Admits reports whether a peer may be in the ring at a position.
func (b *Book) Admits(at ring.Position) bool { return b.ring.Admits(at) }

// Learn verifies what one peer tells of another, keeps it if it is news, and returns what is known
// now.
func (b *Book) Learn(d *pb.Peer) (protocol.PeerInfo, error) {
	info, err := b.ring.Parse(d)
	if err != nil || info.ID == b.host.ID() {
		return info, err
	}
	return b.add(info, false), nil
}

// LearnFrom is Learn for what the peer from has sent itself. If it speaks of another peer, that is
// hearsay.
func (b *Book) LearnFrom(from peer.ID, d *pb.Peer) (protocol.PeerInfo, error) {
	info, err := b.ring.Parse(d)
	if err != nil || info.ID == b.host.ID() {
		return info, err
	}
	return b.add(info, info.ID == from), nil
}

func (b *Book) add(info protocol.PeerInfo, own bool) protocol.PeerInfo {
	id := info.Position.ID
	b.mu.Lock()
	defer b.mu.Unlock()
	e, known := b.peers[id]
	switch {
	case known:
		b.used.MoveToFront(e.at)
		statement{info.Position, info.Seq, info.Bound, own}.updates(&e.info, &e.own, info)
	case len(b.peers) >= b.size && !b.evict():
		return info
	default:
		e = &entry{info: info, own: own, at: b.used.PushFront(id)}
		b.peers[id] = e
	}
	b.addresses(info)
	return e.info
}

// addresses gives the host what a peer signed of its addresses: the host itself keeps the newer of
// two records.
func (b *Book) addresses(info protocol.PeerInfo) {
	if info.Envelope == nil {
		b.host.Peerstore().AddAddrs(info.ID, info.Addrs, addressTTL)
	} else if cab, ok := peerstore.GetCertifiedAddrBook(b.host.Peerstore()); ok {
		// It is refused only when the host holds a newer one.
		_, _ = cab.ConsumePeerRecord(info.Envelope, addressTTL)
	}
}

// evict forgets the peer that was not used for longest and may go, with its addresses. It reports
// whether there was one.
func (b *Book) evict() bool {
	for range b.used.Len() {
		e := b.used.Back()
		id, _ := e.Value.(ring.ID)
		if b.host.Network().Connectedness(peer.ID(id)) == network.Connected || b.keep != nil && b.keep(id) {
			b.used.MoveToFront(e)
			continue
		}
		b.used.Remove(e)
		delete(b.peers, id)
		b.host.Peerstore().ClearAddrs(peer.ID(id))
		return true
	}
	return false
}

// Info returns what is known of a peer that may be in the ring.
func (b *Book) Info(id ring.ID) (protocol.PeerInfo, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.peers[id]
	if !ok || !b.ring.Admits(e.info.Position) {
		return protocol.PeerInfo{}, false
	}
	b.used.MoveToFront(e.at)
	return e.info, true
}

// HasSpoken reports whether the peer itself has said who it is.
func (b *Book) HasSpoken(id ring.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.peers[id]
	return ok && e.own && b.ring.Admits(e.info.Position)
}

// Connected reports whether there is a connection to the peer.
func (b *Book) Connected(id peer.ID) bool {
	return b.host.Network().Connectedness(id) != network.NotConnected
}

// Len is how many peers are known.
func (b *Book) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.peers)
}

// Review drops what is known of peers that may no longer be in the ring, with their addresses.
func (b *Book) Review() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, e := range b.peers {
		if !b.ring.Admits(e.info.Position) {
			b.used.Remove(e.at)
			delete(b.peers, id)
			b.host.Peerstore().ClearAddrs(peer.ID(id))
		}
	}
}

// Forget drops what is known of a peer, but not its addresses.
func (b *Book) Forget(id ring.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := b.peers[id]; ok {
		b.used.Remove(e.at)
		delete(b.peers, id)
	}
}

// Prepare makes sure that the peer can be dialed at once: its addresses are known to the host, and
// no back-off of libp2p's, which grows to minutes, stands in the way. The caller decides how often
// it asks. libp2p dials by itself when a stream is opened.
func (b *Book) Prepare(id peer.ID) {
	if b.host.Network().Connectedness(id) == network.Connected {
		return
	}
	dial.ClearBackoff(b.host, id)
	if info, ok := b.Info(ring.ID(id)); ok {
		b.host.Peerstore().AddAddrs(id, info.Addrs, addressTTL)
	}
}

// maxRelays bounds the members proposed as relays at a time.
const maxRelays = 16

// Relays are members that say that others reach them directly, and so may be relays. A nil book
// knows none.
func (b *Book) Relays() []peer.AddrInfo {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []peer.AddrInfo
	for _, e := range b.peers { // in any order: the load is to be spread
		if addrs := peeraddr.Public(e.info.Addrs); len(addrs) > 0 && b.ring.Admits(e.info.Position) {
			if out = append(out, peer.AddrInfo{ID: e.info.ID, Addrs: addrs}); len(out) == maxRelays {
				break
			}
		}
	}
	return out
}
