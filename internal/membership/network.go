package membership

import (
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/vault"
	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/network/statement"
)

// ErrNone means that a data folder has no network: its peer belongs to an open ring.
var ErrNone = errors.New("the data folder has no private network")

// Network is a private network as this machine knows it. It is safe for concurrent use.
type Network struct {
	id       statement.NetworkID
	dir      string // DIR/network
	identity ed25519.PrivateKey
	self     peer.ID
	fs       durable.FS // for the statements; tests put another beneath
	keys     atomic.Pointer[keys]

	snap atomic.Pointer[snapshot]

	vault     atomic.Pointer[vault.Vault] // nil until the keys have come
	keeping   sync.Mutex                  // held while vault is written; guards announced
	announced map[statement.ID]bool       // statements whose keys were looked at

	admitting sync.Mutex // held while a newcomer is taken in, before mu

	mu        sync.Mutex   // guards the rest
	set       *network.Set // nil until the genesis is known
	unwritten bool         // the set has statements that could not be written
	listeners map[*func()]struct{}
}

// snapshot is what is asked for often.
type snapshot struct {
	state  *network.State
	digest network.Digest
	heard  time.Time
}

// Exists reports whether the data folder dir has a network.
func Exists(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, folderName, idName))
	return err == nil
}

// Open reads the network of the data folder dir, whose peer has the given identity. The error is
// ErrNone if there is none.
func Open(dir string, identity crypto.PrivKey) (*Network, error) {
	n, err := prepare(dir, identity)
	if err != nil {
		return nil, err
	}
	if err := n.read(); err != nil {
		return nil, err
	}
	return n, nil
}

// Follow makes the data folder dir keep the statements of a network of which nothing is known but
// its ID: as a bootstrap peer does, or a peer before it joins. A folder that already has this
// network is opened. The error is of the kind fault.NotAllowed if it has another one.
func Follow(dir string, identity crypto.PrivKey, id statement.NetworkID) (*Network, error) {
	n, err := Open(dir, identity)
	switch {
	case err == nil && n.id != id:
		return nil, fault.New(fault.NotAllowed, "the data folder %s belongs to the network %s, not to %s: give another --data", dir, n.id.Short(), id.Short())
	case !errors.Is(err, ErrNone):
		return n, err
	}
	if n, err = prepare(dir, identity); err != nil {
		return nil, err
	}
	n.id = id
	n.publish(time.Time{})
	return n, n.begin(nil)
}

func prepare(dir string, identity crypto.PrivKey) (*Network, error) {
	key, err := rawIdentity(identity)
	if err != nil {
		return nil, err
	}
	self, err := peer.IDFromPrivateKey(identity)
	if err != nil {
		return nil, fault.New(fault.Failed, "the identity has no peer ID: %w", err)
	}
	return &Network{dir: filepath.Join(dir, folderName), identity: key, self: self, fs: durable.OS, listeners: map[*func()]struct{}{}, announced: map[statement.ID]bool{}}, nil
}

// rawIdentity returns the private key of an identity, which must be an Ed25519 key.
func rawIdentity(identity crypto.PrivKey) (ed25519.PrivateKey, error) {
	raw, err := identity.Raw()
	if err != nil || identity.Type() != crypto.Ed25519 || len(raw) != ed25519.PrivateKeySize {
		return nil, fault.New(fault.NotAllowed, "the identity is no Ed25519 key, so this peer can't be a member of a private network: use a new data folder")
	}
	return ed25519.PrivateKey(raw), nil
}

// ID returns the network's ID.
func (n *Network) ID() statement.NetworkID { return n.id }

// Folder returns where the network is kept.
func (n *Network) Folder() string { return n.dir }

// Self returns this peer.
func (n *Network) Self() peer.ID { return n.self }

// State returns the present state; nil if nothing but the network's ID is known. Don't change it.
func (n *Network) State() *network.State { return n.snap.Load().state }

// Name returns the network's name; "" if nothing but its ID is known.
func (n *Network) Name() string {
	if s := n.State(); s != nil {
		return s.Name
	}
	return ""
}

// Member returns what a peer is granted. It returns false for peers that are revoked or were never
// granted anything. Whether the grant has ended is for the caller to ask: see network.Member.May.
func (n *Network) Member(p peer.ID) (network.Member, bool) {
	s := n.State()
	if s == nil {
		return network.Member{}, false
	}
	m, ok := s.Members[statement.Peer(p)]
	return m, ok
}

// Roles returns the roles that a peer has at a time. It returns false for peers that were never
// granted any, that are revoked, or whose grant has ended.
func (n *Network) Roles(p peer.ID, now time.Time) (statement.Roles, bool) {
	m, ok := n.Member(p)
	if !ok || m.NotAfterMS > 0 && millis(now) > m.NotAfterMS || m.Roles == 0 {
		return 0, false
	}
	return m.Roles, true
}

// May reports whether a peer may do something at a time.
func (n *Network) May(p peer.ID, op network.Operation, now time.Time) bool {
	m, ok := n.Member(p)
	return ok && m.May(op, millis(now))
}

// Revoked reports whether a peer is revoked.
func (n *Network) Revoked(p peer.ID) bool {
	s := n.State()
	return s != nil && len(s.Revoked[statement.Peer(p)]) > 0
}

// Closed reports whether at a time only members are let in. A network that was made from an open
// ring is closed later, so that its peers can join first.
func (n *Network) Closed(now time.Time) bool {
	s := n.State()
	return s == nil || s.Policy.Closed && s.Policy.ClosedFromMS <= millis(now)
}

// Heard returns when this machine last took in a statement.
func (n *Network) Heard() time.Time { return n.snap.Load().heard }

// Digest returns the digest of the set; zero if nothing but the network's ID is known.
func (n *Network) Digest() network.Digest { return n.snap.Load().digest }

// Subscribe has f called after each change of the state, by whoever caused it, under no lock. The
// returned function ends that.
func (n *Network) Subscribe(f func()) (unsubscribe func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := &f
	n.listeners[key] = struct{}{}
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.listeners, key)
	}
}

// tell calls the listeners. The lock must not be held.
func (n *Network) tell() {
	n.mu.Lock()
	all := make([]func(), 0, len(n.listeners))
	for f := range n.listeners {
		all = append(all, *f)
	}
	n.mu.Unlock()
	for _, f := range all {
		f()
	}
}

// publish makes the snapshot of the set. The lock must be held, or nobody else have n.
func (n *Network) publish(heard time.Time) {
	s := &snapshot{heard: heard}
	if n.set != nil {
		s.state, s.digest = n.set.State(), n.set.Digest()
	}
	n.snap.Store(s)
}

// millis returns a time in milliseconds since 1970, the form that statements have.
func millis(t time.Time) uint64 { return uint64(max(0, t.UnixMilli())) }
