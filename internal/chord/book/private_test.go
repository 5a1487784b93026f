package book

import (
	"crypto/rand"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord/book/booktest"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	private "github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// granted is a network in which peers have places.
type granted struct {
	id private.NetworkID
	sync.Mutex
	places map[peer.ID]string
}

func (g *granted) ID() private.NetworkID { return g.id }

func (g *granted) Place(id peer.ID) (string, bool) {
	g.Lock()
	defer g.Unlock()
	place, ok := g.places[id]
	return place, ok
}

func (g *granted) set(id peer.ID, place string) {
	g.Lock()
	defer g.Unlock()
	if delete(g.places, id); place != "" {
		g.places[id] = place
	}
}

// A private ring learns of nobody who isn't granted the place that it names, from whomever it
// comes.
func TestPrivateBookLearnsOnlyMembers(t *testing.T) {
	t.Parallel()
	mine, theirs := private.NetworkID{1}, private.NetworkID{2}
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	net := &granted{id: mine, places: map[peer.ID]string{}}
	describe := func(network private.NetworkID, address string) *pb.Peer {
		a, err := protocol.ParseRingAddress(address)
		if err != nil {
			t.Fatal(err)
		}
		p, err := protocol.DescribePeerIn(network, key, a)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	open := booktest.DescribedBy(t, key, 1)
	for _, c := range []struct {
		name, place string
		says        *pb.Peer
		ok          bool
	}{
		{"a member at its place", "localhost:8001", describe(mine, "localhost:8001"), true},
		{"a member at another place", "localhost:8001", describe(mine, "localhost:8002"), false},
		{"the same hash, another HOST and PORT", "localhost8:001", describe(mine, "localhost:8001"), false},
		{"somebody without a grant", "", describe(mine, "localhost:8001"), false},
		{"a member of another network", "localhost:8001", describe(theirs, "localhost:8001"), false},
		{"a member as in an open ring", "localhost:8001", open, false},
	} {
		net.set(id, c.place)
		for how, learn := range map[string]func(*Book) (protocol.PeerInfo, error){
			"from itself":   func(b *Book) (protocol.PeerInfo, error) { return b.LearnFrom(id, c.says) },
			"from another":  func(b *Book) (protocol.PeerInfo, error) { return b.Learn(c.says) },
			"without a use": func(b *Book) (protocol.PeerInfo, error) { return b.Parse(c.says) },
		} {
			b := New(testHost(t, p2phost.Peer), protocol.Ring{Members: net}, nil)
			info, err := learn(b)
			if (err == nil) != c.ok {
				t.Errorf("%s, %s: %v", c.name, how, err)
			}
			if code := fault.CodeOf(err); err != nil && code != fault.NotAllowed && code != fault.Integrity {
				t.Errorf("%s, %s: of the kind %s", c.name, how, code)
			}
			if known, ok := b.Info(info.Position.ID); ok != (c.ok && how != "without a use") || ok && known.Position.Key != 58795 {
				t.Errorf("%s, %s: known as %+v, %t", c.name, how, known, ok)
			}
		}
	}
	if _, err := New(testHost(t, p2phost.Peer), protocol.Ring{}, nil).Learn(describe(mine, "localhost:8001")); err == nil {
		t.Error("an open ring learns of a member of a private one")
	}
}

// Who is revoked, or gets another place, is unknown at once.
func TestPrivateBookForgetsTheRevoked(t *testing.T) {
	t.Parallel()
	net := &granted{id: private.NetworkID{1}, places: map[peer.ID]string{}}
	h := testHost(t, p2phost.Peer)
	b := New(h, protocol.Ring{Members: net}, nil)
	var infos []protocol.PeerInfo
	for range 3 {
		key, _, err := crypto.GenerateEd25519Key(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		id, err := peer.IDFromPrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		net.set(id, "localhost:8001")
		p, err := protocol.DescribePeerIn(net.id, key, protocol.RingAddress{Host: "localhost", Port: "8001"})
		if err != nil {
			t.Fatal(err)
		}
		info, err := b.LearnFrom(id, p)
		if err != nil {
			t.Fatal(err)
		}
		infos = append(infos, info)
	}
	net.set(infos[0].ID, "")
	net.set(infos[1].ID, "localhost:8002")
	for i, info := range infos {
		_, known := b.Info(info.Position.ID)
		if stays := i == 2; known != stays || b.Admits(info.Position) != stays || b.HasSpoken(info.Position.ID) != stays {
			t.Errorf("peer %d: known %t, admitted %t, has spoken %t", i, known, b.Admits(info.Position), b.HasSpoken(info.Position.ID))
		}
	}
	if b.Review(); b.Len() != 1 {
		t.Errorf("%d peers are kept, want 1", b.Len())
	}
}
