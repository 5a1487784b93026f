// Package virtualmembers makes private networks for simulated rings: a root that invites and
// revokes peers, and what each peer has heard of it. The statements are real and really signed, by
// keys that dice decide.
//
// It is for one coroutine at a time, reads no clock of the system, and starts nothing.
package virtualmembers

import (
	"crypto/ed25519"
	"fmt"

	"github.com/libp2p/go-libp2p/core/crypto"
	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/env/virtual"
	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol"
)

// Network is a private network: all that was said, and who can still be invited.
type Network struct {
	dice    virtual.Dice
	millis  func() uint64
	root    ed25519.PrivateKey
	last    *statement.Statement // of the root
	first   []*statement.Statement
	invites []invite    // that nobody has used
	all     *Statements // all
}

type invite struct {
	key  ed25519.PrivateKey
	host string
}

// New returns a network with so many invitations, which everybody knows from the beginning. millis
// is the time by clocks that are right, in milliseconds since 1970.
func New(dice virtual.Dice, invitations int, millis func() uint64) *Network {
	n := &Network{dice: dice, millis: millis, root: drawKey(dice)}
	n.last = sign(n.root, statement.Header{Seq: 1, TimeMS: millis()}, &statement.Genesis{Name: "virtual", Policy: statement.Policy{Closed: true}})
	n.first = []*statement.Statement{n.last}
	for range invitations {
		i := invite{drawKey(dice), fmt.Sprintf("host-%d", dice.Uint64())}
		n.first = append(n.first, n.say(millis(), &statement.Invite{
			Key: statement.KeyOf(i.key), Roles: statement.RolesMember, Place: place(i.host), Check: make([]byte, statement.CheckSize),
		}))
		n.invites = append(n.invites, i)
	}
	n.all = n.NewStatements(nil)
	return n
}

func place(host string) string { return protocol.RingAddress{Host: host, Port: "1"}.String() }

// drawKey is a key that the dice decide.
func drawKey(d virtual.Dice) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	for i := range seed {
		seed[i] = byte(d.IntN(256)) //nolint:gosec // below 256
	}
	return ed25519.NewKeyFromSeed(seed)
}

func sign(key ed25519.PrivateKey, h statement.Header, c statement.Content) *statement.Statement {
	s, err := statement.New(key, h, c)
	if err != nil {
		panic(err) // what this package says is valid
	}
	return s
}

// say has the root issue its next statement.
func (n *Network) say(millis uint64, c statement.Content) *statement.Statement {
	h := n.last.After()
	h.TimeMS = millis
	n.last = sign(n.root, h, c)
	return n.last
}

// Invitations is how many are left.
func (n *Network) Invitations() int { return len(n.invites) }

// Join has the peer with a key, an Ed25519 one, use an invitation. It returns the HOST of the place
// that it gets, with port 1, and what the peer knows. It shows its grant to whomever it meets.
func (n *Network) Join(key crypto.PrivKey) (host string, known *Statements) {
	i := n.invites[0]
	n.invites = n.invites[1:]
	raw, err := key.Raw()
	if err != nil {
		panic(err) // keys of this kind have one
	}
	self := ed25519.PrivateKey(raw)
	g := &statement.Grant{Peer: statement.PeerOf(statement.KeyOf(self)), Roles: statement.RolesMember, Place: place(i.host)}
	id := n.last.Network()
	g.Consent = statement.Consent(self, id, statement.KeyOf(i.key), g)
	grant := sign(i.key, statement.Header{Network: id, Seq: 1, TimeMS: n.millis()}, g)
	known = n.NewStatements(nil)
	known.self = libp2p.ID(g.Peer)
	known.take(grant)
	n.all.take(grant)
	return i.host, known
}

// Revoke ends the membership of a peer at a time, in milliseconds since 1970. Who is told first
// tells others.
func (n *Network) Revoke(p libp2p.ID, millis uint64, first *Statements) {
	s := n.say(millis, &statement.Revoke{Peer: statement.Peer(p)})
	n.all.take(s)
	first.take(s)
}

// All returns every statement that was ever made.
func (n *Network) All() *Statements { return n.all }
