package network

import (
	"cmp"
	"crypto/ed25519"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/p2pchord/p2pchord/network/statement"
)

// author is a key that issues statements, one after the other.
type author struct {
	t       testing.TB
	key     ed25519.PrivateKey
	network statement.NetworkID
	last    *statement.Statement
	timeMS  uint64 // of what it says; 0: someTimeMS
}

const someTimeMS = 1_700_000_000_000

// seeded returns the same private key for the same number.
func seeded(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(slices.Repeat([]byte{n}, ed25519.SeedSize))
}

func (a *author) public() statement.Key { return statement.KeyOf(a.key) }

// say issues the next statement.
func (a *author) say(c statement.Content) *statement.Statement {
	a.t.Helper()
	a.last = a.instead(c)
	return a.last
}

// instead issues a statement with the next number, and forgets it: the next one has the same.
func (a *author) instead(c statement.Content) *statement.Statement {
	a.t.Helper()
	h := statement.Header{Network: a.network, Seq: 1}
	if a.last != nil {
		h = a.last.After()
	}
	h.TimeMS = cmp.Or(a.timeMS, someTimeMS)
	return must(statement.New(a.key, h, c))(a.t)
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// world is a network with a root, and the keys of everybody that a test needs.
type world struct {
	t       testing.TB
	genesis *statement.Statement
	root    *author
}

const (
	rootSeed     = 1
	recoverySeed = 10 // 10, 11, and 12
	peerSeed     = 100
)

func newWorld(t testing.TB) *world {
	t.Helper()
	root := &author{t: t, key: seeded(rootSeed)}
	g := &statement.Genesis{Name: "home", Quorum: 2}
	for i := range byte(3) {
		g.Recovery = append(g.Recovery, statement.KeyOf(seeded(recoverySeed+i)))
	}
	root.last = must(statement.New(root.key, statement.Header{Seq: 1}, g))(t)
	root.network = root.last.Network()
	return &world{t, root.last, root}
}

func (w *world) author(seed byte) *author {
	return &author{t: w.t, key: seeded(seed), network: w.genesis.Network()}
}

func peerOf(n byte) statement.Peer { return statement.PeerOf(statement.KeyOf(seeded(peerSeed + n))) }

// member is a grant without the role of an admin.
func member(n byte, roles statement.Roles) *statement.Grant {
	g := &statement.Grant{Peer: peerOf(n), Roles: roles, SealKey: []byte{n}, Label: "peer-" + hex.EncodeToString([]byte{n})}
	if roles.Has(statement.Store) {
		g.Place = "place-" + hex.EncodeToString([]byte{n})
	}
	return g
}

// administrator is a grant that makes the author an admin.
func administrator(n byte, a *author) *statement.Grant {
	g := member(n, statement.RolesAdmin)
	g.StatementKey = a.public()
	return g
}

// join is the grant that a peer issues by an invitation, at its place.
func (w *world) join(n byte, i *statement.Invite, by *author) *statement.Grant {
	g := member(n, i.Roles)
	g.Place = i.Place
	g.Consent = statement.Consent(seeded(peerSeed+n), w.genesis.Network(), by.public(), g)
	return g
}

func invite(key *author, roles statement.Roles) *statement.Invite {
	i := &statement.Invite{Key: key.public(), Roles: roles, NotAfterMS: 1_800_000_000_000, Check: make([]byte, statement.CheckSize)}
	if roles.Has(statement.Store) {
		i.Place = "given"
	}
	return i
}

func cut(a *author, keep *statement.Statement) statement.Cut {
	if keep == nil {
		return statement.Cut{Issuer: a.public()}
	}
	return statement.Cut{Issuer: a.public(), KeepSeq: keep.Seq(), Keep: keep.ID()}
}

// order is a NewRoot with the approvals of these recovery keys.
func (w *world) order(to *author, generation uint32, recovery []byte, cuts ...statement.Cut) *statement.NewRoot {
	n := &statement.NewRoot{Order: statement.RootOrder{Network: w.genesis.Network(), Root: to.public(), Generation: generation, Cuts: cuts}}
	for _, i := range recovery {
		n.Approvals = append(n.Approvals, statement.Approve(seeded(recoverySeed+i), n.Order))
	}
	return n
}

// members returns the numbers of the members that a state has.
func members(st *State) (out []int) {
	for n := range byte(100) {
		if _, ok := st.Members[peerOf(n)]; ok {
			out = append(out, int(n))
		}
	}
	return out
}
