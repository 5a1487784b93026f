package virtualnet

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"sync"

	"github.com/libp2p/go-libp2p/core/crypto"
	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/env/virtual"
	"github.com/p2pchord/p2pchord/internal/replication"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// Node is a peer of the network.
type Node struct {
	ID   libp2p.ID
	Key  crypto.PrivKey
	Self *pb.Peer          // its description
	Info protocol.PeerInfo // what Self says

	net     *Network
	peer    *virtual.Peer
	ring    protocol.Ring // as the node knows it
	env     env.Env       // of the present life
	handler Handler
	refuses bool // being down, its system refuses connections
	inbound []*exchange
}

// Handler answers requests.
type Handler interface {
	ServeRing(ctx context.Context, from libp2p.ID, req *pb.RingRequest) (*pb.RingResponse, error)
	ServeFile(ctx context.Context, from libp2p.ID, req *pb.FileRequest, body replication.Body) (*pb.FileResponse, *protocol.Payload, error)
}

// Add makes a node of an open ring at a ring address. It has the key of its number in the network.
func (n *Network) Add(host string, p *virtual.Peer) *Node { return n.AddTo(protocol.Ring{}, host, p) }

// NextKey is the key that the next node will have.
func (n *Network) NextKey() crypto.PrivKey { return identity(len(n.nodes)) }

// AddTo is Add for a ring that may be private, as the new node knows it.
func (n *Network) AddTo(in protocol.Ring, host string, p *virtual.Peer) *Node {
	key := n.NextKey()
	self, err := protocol.DescribePeerIn(in.Network(), key, protocol.RingAddress{Host: host, Port: "1"})
	if err != nil {
		panic(err) // every key of this kind can sign
	}
	info, err := protocol.ParsePeerIn(in.Network(), self)
	if err != nil {
		panic(err) // it has just been made
	}
	node := &Node{ID: libp2p.ID(info.Position.ID), Key: key, Self: self, Info: info, net: n, peer: p, ring: in}
	n.nodes[info.Position.ID] = node
	return node
}

// Listen begins a life of the node.
func (n *Node) Listen(e env.Env, h Handler) { n.env, n.handler = e, h }

// HangUp ends the life. If its system is still there it refuses connections from now on, and has
// reset the present ones; otherwise the node is silent.
func (n *Node) HangUp(refuses bool) {
	n.refuses = refuses
	if refuses {
		n.reset()
	}
}

// identities are the keys of nodes by their number. Signatures under them are the same in all
// worlds, so they are verified once.
var identities struct {
	sync.Mutex
	keys []crypto.PrivKey
}

func identity(number int) crypto.PrivKey {
	identities.Lock()
	defer identities.Unlock()
	for i := len(identities.keys); i <= number; i++ {
		seed := make([]byte, ed25519.SeedSize)
		binary.BigEndian.PutUint64(seed, uint64(i)) //nolint:gosec // not negative
		key, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed))
		if err != nil {
			panic(err) // it has the size of one
		}
		identities.keys = append(identities.keys, key)
	}
	return identities.keys[number]
}

// Book is what one life of a node knows of the others: chord.Book.
type Book struct {
	node  *Node
	known map[ring.ID]protocol.PeerInfo
}

// NewBook returns a book without entries.
func (n *Node) NewBook() *Book { return &Book{n, map[ring.ID]protocol.PeerInfo{}} }

// Self implements chord.Book.
func (b *Book) Self() *pb.Peer { return b.node.Self }

// Parse implements chord.Book.
func (b *Book) Parse(d *pb.Peer) (protocol.PeerInfo, error) { return b.Learn(d) }

// Learn implements chord.Book. A description is believed when its signature is right, and, in a
// private ring, its peer belongs there.
func (b *Book) Learn(d *pb.Peer) (protocol.PeerInfo, error) {
	q := b.node.net.nodes[ring.ID(d.GetId())]
	if q == nil || q.Self != d || !b.Admits(q.Info.Position) {
		return b.node.ring.Parse(d)
	}
	b.known[q.Info.Position.ID] = q.Info // it has been parsed before
	return q.Info, nil
}

// LearnFrom implements chord.Book.
func (b *Book) LearnFrom(_ libp2p.ID, d *pb.Peer) (protocol.PeerInfo, error) { return b.Learn(d) }

// Info implements chord.Book.
func (b *Book) Info(id ring.ID) (protocol.PeerInfo, bool) {
	info, ok := b.known[id]
	return info, ok && b.Admits(info.Position)
}

// Connected implements chord.Book.
func (b *Book) Connected(libp2p.ID) bool { return true }

// Admits implements chord.Book.
func (b *Book) Admits(at ring.Position) bool { return b.node.ring.Admits(at) }

// Meet has the book learn the descriptions of peers, which others have told of.
func (b *Book) Meet(ps []ring.Position) {
	for _, p := range ps {
		q := b.node.net.nodes[p.ID]
		b.known[p.ID] = q.Info
	}
}
