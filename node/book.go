package node

import (
	lru "container/list"
	"sync"
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
	// bookSize bounds the peers known by a full description.
	bookSize = 4096
	// addressTTL is how long addresses from signed records are kept without being confirmed.
	addressTTL = 2 * time.Hour
)

// book remembers who is who: the verified description of every peer heard of, by ID. What it learns goes into the
// host's address book as well, and leaves it with the description. When the book is full, the description that was not
// used for longest makes room, but none of a connected peer or of one that keep names. It is safe for concurrent use.
type book struct {
	host host.Host
	size int
	// keep reports whether a peer must stay, beside those that are connected. It must not call the book.
	keep func(ring.ID) bool

	mu    sync.Mutex
	peers map[ring.ID]*bookEntry
	used  lru.List // of ring.ID, the one used last in front
}

// bookEntry is what is known of one peer.
type bookEntry struct {
	info protocol.PeerInfo
	own  bool // the peer itself has said so, on a connection of its own
	at   *lru.Element
}

func newBook(h host.Host, keep func(ring.ID) bool) *book {
	return &book{host: h, size: bookSize, keep: keep, peers: make(map[ring.ID]*bookEntry)}
}

// learn verifies descriptions and keeps those that hold. It returns the positions
// of the ones kept, in order; what is malformed or forged is left out.
func (b *book) learn(descriptions ...*pb.Peer) []ring.Position {
	var out []ring.Position
	for _, d := range descriptions {
		if info, err := b.learnOne(d); err == nil {
			out = append(out, info.Position)
		}
	}
	return out
}

// learnOne verifies what one peer tells of another, keeps it if it is news, and returns what is known now.
func (b *book) learnOne(d *pb.Peer) (protocol.PeerInfo, error) {
	info, err := protocol.ParsePeer(d)
	if err != nil || info.ID == b.host.ID() {
		return info, err
	}
	return b.add(info, false), nil
}

// learnFrom is learnOne for what the peer from has sent itself. If it speaks of another peer, that is hearsay.
func (b *book) learnFrom(from peer.ID, d *pb.Peer) (protocol.PeerInfo, error) {
	info, err := protocol.ParsePeer(d)
	if err != nil || info.ID == b.host.ID() {
		return info, err
	}
	return b.add(info, info.ID == from), nil
}

func (b *book) add(info protocol.PeerInfo, own bool) protocol.PeerInfo {
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
		e = &bookEntry{info: info, own: own, at: b.used.PushFront(id)}
		b.peers[id] = e
	}
	b.addresses(info)
	return e.info
}

// addresses gives the host what a peer signed of its addresses: the host itself keeps the newer of two records.
func (b *book) addresses(info protocol.PeerInfo) {
	if info.Envelope == nil {
		b.host.Peerstore().AddAddrs(info.ID, info.Addrs, addressTTL)
	} else if cab, ok := peerstore.GetCertifiedAddrBook(b.host.Peerstore()); ok {
		_, _ = cab.ConsumePeerRecord(info.Envelope, addressTTL) // refused only when it holds a newer one
	}
}

// evict forgets the peer that was not used for longest and may go, with its addresses. It reports whether there was one.
func (b *book) evict() bool {
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

// info returns what is known of the node at p.
func (b *book) info(id ring.ID) (protocol.PeerInfo, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.peers[id]
	if !ok {
		return protocol.PeerInfo{}, false
	}
	b.used.MoveToFront(e.at)
	return e.info, true
}

// hasSpoken reports whether the peer itself has said who it is.
func (b *book) hasSpoken(id ring.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.peers[id]
	return ok && e.own
}

// message returns p as a message: a full description, or only its ID when no more is known.
func (b *book) message(p ring.Position) *pb.Peer {
	if info, ok := b.info(p.ID); ok {
		return info.Message
	}
	return &pb.Peer{Id: []byte(p.ID)}
}

func (b *book) messages(ps []ring.Position) []*pb.Peer {
	out := make([]*pb.Peer, 0, len(ps))
	for _, p := range ps {
		if info, ok := b.info(p.ID); ok {
			out = append(out, info.Message)
		}
	}
	return out
}

// prepare makes sure that the peer can be dialed at once: its addresses are known to
// the host, and no back-off of libp2p's, which grows to minutes, stands in the way. Who asks decides
// how often. libp2p dials by itself when a stream is opened.
func (b *book) prepare(id peer.ID) {
	if b.host.Network().Connectedness(id) == network.Connected {
		return
	}
	dial.ClearBackoff(b.host, id)
	if info, ok := b.info(ring.ID(id)); ok {
		b.host.Peerstore().AddAddrs(id, info.Addrs, addressTTL)
	}
}

// maxRelays bounds the members proposed as relays at a time.
const maxRelays = 16

// relays are members that say that others reach them directly, and so may be relays. A nil book knows none.
func (b *book) relays() []peer.AddrInfo {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []peer.AddrInfo
	for _, e := range b.peers { // in any order: the load is to be spread
		if addrs := peeraddr.Public(e.info.Addrs); len(addrs) > 0 {
			if out = append(out, peer.AddrInfo{ID: e.info.ID, Addrs: addrs}); len(out) == maxRelays {
				break
			}
		}
	}
	return out
}
