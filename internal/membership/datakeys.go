package membership

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/datafolder"
	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/vault"
	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/network/statement"
)

const (
	// vaultName is the file with the keys of the network's vault.
	vaultName = "vault"
	// epochEnds is how long after the begin of an epoch files may still be written with the key of
	// the one before, by members that have not heard of it.
	epochEnds = 24 * time.Hour
	// maxSealed is how many members the keys are sealed to in one statement; others ask for them.
	maxSealed = statement.MaxAttachment / 2048
)

// Vault returns the keys with which this peer encrypts and decrypts files. The error is of the kind
// fault.NotAllowed if it may not read, and fault.TryAgain if the keys have not arrived yet.
func (n *Network) Vault() (*vault.Vault, error) {
	m, ok := n.Member(n.self)
	if ok && !network.Allow(m.Roles, network.ReceiveKeys) {
		return nil, fault.New(fault.NotAllowed, "this peer has the role %s in the network %q, which can't read or write files: use another machine, or have it invited with --role member", m.Roles, n.Name())
	}
	v := n.vault.Load()
	if v == nil {
		return nil, fault.New(fault.TryAgain, "this peer doesn't have the network's data keys yet: they come from a member that may read files; connect one, and try again")
	}
	s := n.State()
	if s == nil {
		return v, nil
	}
	if s.Policy.HideFolders {
		v = v.HidingFolders()
	}
	for _, k := range s.Keys {
		if vault.ID(k.Vault) == v.ID() {
			v = v.Announced(k.Epoch)
		}
	}
	return v, nil
}

// FromOpenRing reports whether the network was made of an open ring, whose files are not encrypted.
func (n *Network) FromOpenRing() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.set == nil {
		return false
	}
	g, ok := n.set.All()[0].Content().(*statement.Genesis)
	return ok && !g.Policy.Closed
}

// LacksKeys reports whether this peer may read files, and doesn't have all keys that were
// announced, or doesn't know when one of them has ended.
func (n *Network) LacksKeys(now time.Time) bool {
	if !n.May(n.self, network.ReceiveKeys, now) {
		return false
	}
	v := n.vault.Load()
	if v == nil {
		return true
	}
	if v.LacksEnd() {
		return true
	}
	for _, k := range n.State().Keys {
		if vault.ID(k.Vault) == v.ID() && !slices.ContainsFunc(v.Epochs(), func(e vault.Epoch) bool { return e.Number == k.Epoch }) {
			return true
		}
	}
	return false
}

// SealKeys returns the network's data keys, sealed to a member that may read files. The error is of
// the kind fault.NotAllowed for others.
func (n *Network) SealKeys(to peer.ID, now time.Time) ([]byte, error) {
	m, ok := n.Member(to)
	if !ok || !m.May(network.ReceiveKeys, millis(now)) {
		return nil, fault.New(fault.NotAllowed, "%s may not read files", to)
	}
	v := n.vault.Load()
	if v == nil {
		return nil, fault.New(fault.TryAgain, "this peer doesn't have the network's data keys yet")
	}
	return v.SealTo(m.SealKey, n.id[:], []byte(to))
}

// TakeKeys takes in data keys that a member has sealed to this peer. Whoever calls it has made sure
// that they come from a member that may read files: others could give keys of their own. Errors are
// of the kind fault.Integrity if they are not such keys.
func (n *Network) TakeKeys(sealed []byte) error {
	v, err := vault.Unseal(n.SealKey(), n.id[:], []byte(n.self), sealed)
	if err != nil {
		return err
	}
	if s := n.State(); s == nil || !slices.ContainsFunc(s.Keys, func(k network.VaultKey) bool { return vault.ID(k.Vault) == v.ID() }) {
		return fault.New(fault.Integrity, "the data keys are those of a vault that no admin of the network %q has announced", n.Name())
	}
	return n.keep(v)
}

// keep adds keys to those that this peer has, durably.
func (n *Network) keep(v *vault.Vault) error {
	n.keeping.Lock()
	defer n.keeping.Unlock()
	if have := n.vault.Load(); have != nil {
		joined, err := have.Join(v)
		if err != nil {
			return err
		}
		if slices.Equal(joined.Epochs(), have.Epochs()) {
			return nil
		}
		v = joined
	}
	raw := append([]byte(datafolder.DataKeys), v.Encode()...)
	if err := durable.WriteFile(n.file(vaultName), raw, 0o600); err != nil {
		return fault.New(writeCode(err), "can't keep the network's data keys: %w", err)
	}
	n.vault.Store(v)
	return nil
}

// readVault reads the keys that this peer has.
func (n *Network) readVault() error {
	raw, err := os.ReadFile(n.file(vaultName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fault.New(fault.Failed, "can't read the network's data keys: %w", fault.Reason(err))
	}
	var v *vault.Vault
	encoded, ok := bytes.CutPrefix(raw, []byte(datafolder.DataKeys))
	if ok {
		v, err = vault.Decode(encoded)
	}
	if !ok || err != nil {
		return fault.New(fault.Failed, "the network's data keys %s are damaged: restore the file from a copy, or move it away while another member that may read files can be reached", n.file(vaultName))
	}
	n.vault.Store(v)
	return nil
}

// foundVault makes the vault of a new network.
func (n *Network) foundVault(now time.Time) error {
	if err := n.keep(vault.Create()); err != nil {
		return err
	}
	return n.announce(n.vault.Load(), now)
}

// announce tells the network of the newest epoch, with its keys sealed to the members that may read
// files.
func (n *Network) announce(v *vault.Vault, now time.Time) error {
	s := n.State()
	var copies []statement.SealedKey
	for _, p := range slices.Sorted(maps.Keys(s.Members)) {
		m := s.Members[p]
		if !m.May(network.ReceiveKeys, millis(now)) || len(copies) == maxSealed {
			continue
		}
		sealed, err := v.Recent().SealTo(m.SealKey, n.id[:], []byte(p))
		if err != nil {
			continue // it has no key for sealing; it can't ask for them either
		}
		copies = append(copies, statement.SealedKey{Peer: p, Sealed: sealed})
	}
	attachment := statement.EncodeSealedKeys(copies)
	epochs := v.Epochs()
	_, err := n.IssueKeys(statement.NewKeys([statement.VaultSize]byte(v.ID()), epochs[len(epochs)-1].Number, attachment), attachment, now)
	return err
}

// rotate begins a new epoch, whose key those don't get who may not read files any more. A peer that
// has no keys can't do so.
func (n *Network) rotate(now time.Time) error {
	v := n.vault.Load()
	if v == nil {
		return nil
	}
	if err := n.keep(v.Next(millis(now.Add(epochEnds)))); err != nil {
		return err
	}
	return n.announce(n.vault.Load(), now)
}

// takeAnnounced takes in the keys that statements have brought for this peer. Those that can't be
// read are left out: any admin can write such a statement.
func (n *Network) takeAnnounced() {
	s := n.State()
	if s == nil {
		return
	}
	for _, id := range s.LatestKeys() {
		n.mu.Lock()
		st := n.set.Get(id)
		n.mu.Unlock()
		if st == nil || !n.isNew(st) {
			continue
		}
		copies, err := statement.ParseSealedKeys(st.Attachment())
		if err != nil {
			continue
		}
		for _, c := range copies {
			if c.Peer == statement.Peer(n.self) {
				_ = n.TakeKeys(c.Sealed) // asked for again when it could not be kept
			}
		}
	}
}

// isNew reports whether the attachment of a Keys has come, and was not looked at before.
func (n *Network) isNew(st *statement.Statement) bool {
	n.keeping.Lock()
	defer n.keeping.Unlock()
	if len(st.Attachment()) == 0 || n.announced[st.ID()] {
		return false
	}
	n.announced[st.ID()] = true
	return true
}
