package node

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"

	"github.com/p2pchord/p2pchord/internal/p2phost"
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

// book remembers who is who: the verified description of every peer heard of, by ID.
// What it learns goes into the host's address book as well. It is safe for concurrent use.
type book struct {
	host host.Host

	mu    sync.RWMutex
	peers map[ring.ID]protocol.PeerInfo
}

func newBook(h host.Host) *book {
	return &book{host: h, peers: make(map[ring.ID]protocol.PeerInfo)}
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

func (b *book) learnOne(d *pb.Peer) (protocol.PeerInfo, error) {
	info, err := protocol.ParsePeer(d)
	if err != nil {
		return info, err
	}
	if info.ID == b.host.ID() {
		return info, nil
	}
	b.mu.Lock()
	old, known := b.peers[info.Position.ID]
	if !known && len(b.peers) >= bookSize {
		for id := range b.peers { // any: those that matter are heard of again within a heartbeat
			delete(b.peers, id)
			break
		}
	}
	newer := !known || (info.Envelope != nil && info.Seq >= old.Seq)
	if newer {
		b.peers[info.Position.ID] = info
	} else {
		info = old
	}
	b.mu.Unlock()
	if newer && info.Envelope != nil {
		if cab, ok := peerstore.GetCertifiedAddrBook(b.host.Peerstore()); ok {
			_, _ = cab.ConsumePeerRecord(info.Envelope, addressTTL) // refused only when it holds a newer one
		}
	}
	return info, nil
}

// info returns what is known of the node at p.
func (b *book) info(id ring.ID) (protocol.PeerInfo, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	info, ok := b.peers[id]
	return info, ok
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

// prepare makes sure that the peer can be dialled at once: its addresses are known to
// the host, and no back-off of libp2p's, which grows to minutes, stands in the way. Who asks decides
// how often. libp2p dials by itself when a stream is opened.
func (b *book) prepare(id peer.ID) {
	if b.host.Network().Connectedness(id) == network.Connected {
		return
	}
	if s, ok := b.host.Network().(interface{ Backoff() *swarm.DialBackoff }); ok {
		s.Backoff().Clear(id)
	}
	if info, ok := b.info(ring.ID(id)); ok && info.Envelope != nil {
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
	b.mu.RLock()
	defer b.mu.RUnlock()
	var out []peer.AddrInfo
	for _, info := range b.peers { // in any order: the load is to be spread
		if addrs := p2phost.PublicAddrs(info.Addrs); len(addrs) > 0 {
			if out = append(out, peer.AddrInfo{ID: info.ID, Addrs: addrs}); len(out) == maxRelays {
				break
			}
		}
	}
	return out
}

// knows reports whether id has been heard of as a peer of the ring. A nil book knows nobody.
func (b *book) knows(id peer.ID) bool {
	if b == nil {
		return false
	}
	_, ok := b.info(ring.ID(id))
	return ok
}
