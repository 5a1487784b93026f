package membership

import (
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

// Founding is what a new network begins with.
type Founding struct {
	Name     string
	Label    string // of this machine
	Place    string // of this machine on the ring; NewPlace if empty
	Recovery []statement.Key
	Quorum   int
	// Open lets everybody in until the network is closed, so that the peers of an open ring can
	// join it first.
	Open bool
}

// Create begins a network in the data folder dir, with the peer of the given identity as its first
// admin. The errors are of the kind fault.NotAllowed if the folder has a network already, and
// fault.Usage if f is not valid.
func Create(dir string, identity crypto.PrivKey, f Founding, now time.Time) (*Network, error) {
	n, err := prepare(dir, identity)
	if err != nil {
		return nil, err
	}
	if Exists(dir) {
		if err := n.read(); err == nil {
			return nil, fault.New(fault.NotAllowed, "the data folder %s belongs to the private network %q already: give another --data", dir, n.Name())
		} else if !errors.Is(err, ErrNone) {
			return nil, err
		}
	}
	if _, err := signed.ParseRingAddress(f.Place); err != nil {
		return nil, err
	}
	k, err := newKeys()
	if err != nil {
		return nil, err
	}
	if _, k.root, err = ed25519.GenerateKey(nil); err != nil {
		return nil, fault.New(fault.Failed, "can't make a key: %w", err)
	}
	n.keys.Store(&k)
	g := &statement.Genesis{Name: f.Name, Recovery: f.Recovery, Quorum: f.Quorum, Policy: statement.Policy{Closed: !f.Open}}
	_, _ = rand.Read(g.Salt[:]) // never fails
	genesis, err := statement.New(k.root, statement.Header{Seq: 1, TimeMS: millis(now)}, g)
	if err != nil {
		return nil, err
	}
	h := genesis.After()
	h.TimeMS = millis(now)
	first, err := statement.New(k.root, h, n.ownGrant(f.Label, f.Place, 0))
	if err != nil {
		return nil, err
	}
	n.id = genesis.Network()
	if n.set, err = newSet(n.id, []*statement.Statement{genesis, first}); err != nil {
		return nil, err
	}
	n.publish(now)
	if err := n.begin(n.set); err != nil {
		return nil, err
	}
	return n, n.foundVault(now)
}

// ownGrant is the grant that makes this peer an admin.
func (n *Network) ownGrant(label, place string, serial uint32) *statement.Grant {
	if place == "" {
		place = NewPlace()
	}
	k := n.keys.Load()
	return &statement.Grant{
		Peer: statement.Peer(n.self), Roles: statement.RolesAdmin, SealKey: k.seal.PublicKey().Bytes(),
		StatementKey: statement.KeyOf(k.statement), Label: label, Place: place, Serial: serial,
	}
}

// Issue makes, keeps, and returns a statement of this peer. The error is of the kind
// fault.NotAllowed if it is no admin.
func (n *Network) Issue(c statement.Content, now time.Time) (*statement.Statement, error) {
	key, err := n.issuer()
	if err != nil {
		return nil, err
	}
	return n.issueWith(key, c, now, nil)
}

// IssueKeys is Issue for what announces a data key. Any member that may write announces them; the
// attachment is what NewKeys was given.
func (n *Network) IssueKeys(c *statement.Keys, attachment []byte, now time.Time) (*statement.Statement, error) {
	key, err := n.issuer()
	if err != nil {
		return nil, err
	}
	return n.issueWith(key, c, now, attachment)
}

// issuer returns the key with which this peer may issue statements: its own, or else the root.
func (n *Network) issuer() (ed25519.PrivateKey, error) {
	s, k := n.State(), n.keys.Load()
	if s == nil {
		return nil, fault.New(fault.TryAgain, "this peer doesn't know the network's statements yet: connect it to a member first")
	}
	if m, ok := n.Member(n.self); ok && m.Roles.Has(statement.Admin) && m.StatementKey == statement.KeyOf(k.statement) {
		if !n.forked(m.StatementKey) {
			return k.statement, nil
		}
		if !n.HasRoot() {
			return nil, fault.New(fault.NotAllowed, "this peer's admin key was used in two places, so what it says no longer counts: another admin has to revoke this peer, and to invite it anew")
		}
	}
	if n.HasRoot() {
		return k.root, nil
	}
	return nil, fault.New(fault.NotAllowed, "only an admin of the network %q may do this, and this peer is none", s.Name)
}

func (n *Network) forked(key statement.Key) bool {
	for _, f := range n.State().Forks {
		if f.Issuer == key {
			return true
		}
	}
	return false
}

// issueWith makes the next statement of a key. It is written before it counts.
func (n *Network) issueWith(key ed25519.PrivateKey, c statement.Content, now time.Time, attachment []byte) (*statement.Statement, error) {
	st, err := n.issueLocked(key, c, now, attachment)
	if err == nil {
		n.tell()
	}
	return st, err
}

func (n *Network) issueLocked(key ed25519.PrivateKey, c statement.Content, now time.Time, attachment []byte) (*statement.Statement, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := statement.Header{Network: n.id, Seq: 1}
	tip, ok := n.set.Tip(statement.KeyOf(key))
	switch {
	case !ok:
		return nil, fault.New(fault.TryAgain, "not all statements of this peer are here: connect it to other members first")
	case tip != nil:
		h = tip.After()
	}
	h.TimeMS = millis(now)
	st, err := statement.New(key, h, c)
	if err != nil {
		return nil, err
	}
	if attachment != nil {
		if st, err = st.WithAttachment(attachment); err != nil {
			return nil, err
		}
	}
	if err := n.write(n.set, st); err != nil {
		return nil, err
	}
	if outcome, err := n.set.Add(st); err != nil || outcome != network.Added {
		return nil, errors.Join(fault.New(fault.Failed, "the network doesn't take the statement"), err)
	}
	n.publish(now)
	return st, nil
}

// Grant gives a peer roles, a label, or an end, in place of what it had. Without a place a peer
// that stores keeps the one that it has, or gets a new one.
func (n *Network) Grant(g statement.Grant, now time.Time) error {
	m, ok := n.Member(peer.ID(g.Peer))
	if ok {
		g.Serial = m.Serial + 1
	}
	if g.Roles.Has(statement.Store) && g.Place == "" {
		g.Place = cmp.Or(m.Place, NewPlace())
	}
	if _, err := signed.ParseRingAddress(g.Place); err != nil {
		return err
	}
	if _, err := n.Issue(&g, now); err != nil {
		return err
	}
	if network.Allow(m.Roles, network.ReceiveKeys) && !network.Allow(g.Roles, network.ReceiveKeys) {
		return n.rotate(now)
	}
	return nil
}

// Rename gives a member another label.
func (n *Network) Rename(p peer.ID, label string, now time.Time) error {
	m, ok := n.Member(p)
	if !ok {
		return fault.New(fault.NotFound, "no member has the peer ID %s", p)
	}
	return n.Grant(statement.Grant{
		Peer: m.Peer, Roles: m.Roles, SealKey: m.SealKey, StatementKey: m.StatementKey, Label: label, Place: m.Place,
		NotAfterMS: m.NotAfterMS, NarrowedTo: m.NarrowedTo,
	}, now)
}

// Close lets only members in, from a time on. A network that is closed stays so: then there is
// nothing to do, and a later time is an error of the kind fault.NotAllowed.
func (n *Network) Close(from, now time.Time) error {
	s := n.State()
	if s == nil {
		_, err := n.issuer()
		return err
	}
	switch closed := n.Closed(now); {
	case closed && from.After(now):
		return fault.New(fault.NotAllowed, "the network %q is closed already, and isn't opened again", s.Name)
	case closed:
		return nil
	}
	p := s.Policy
	p.Serial++
	p.Closed, p.ClosedFromMS = true, millis(from)
	_, err := n.Issue(&p, now)
	return err
}
