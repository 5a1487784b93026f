package membership

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hpke"
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/vault"
	"github.com/p2pchord/p2pchord/network/statement"
)

// keysMark begins the file of keys, so that it is recognized where it must not be shared.
const keysMark = "p2pchord network keys"

// keys are a peer's private keys, beside its identity.
type keys struct {
	statement ed25519.PrivateKey // issues statements, if the peer is an admin
	root      ed25519.PrivateKey // nil at all machines but one
	seal      hpke.PrivateKey    // opens data keys
}

// storedKeys is keys as a file has them.
type storedKeys struct {
	Kind      string `json:"kind"`
	Statement []byte `json:"statement"` // the seed
	Root      []byte `json:"root,omitempty"`
	Seal      []byte `json:"seal"`
}

// sealKEM is what data keys are sealed with. It holds against later quantum computers too.
func sealKEM() hpke.KEM { return vault.SealKEM() }

func newKeys() (k keys, err error) {
	if _, k.statement, err = ed25519.GenerateKey(nil); err != nil {
		return k, fault.New(fault.Failed, "can't make a key: %w", err)
	}
	if k.seal, err = sealKEM().GenerateKey(); err != nil {
		return k, fault.New(fault.Failed, "can't make a key: %w", err)
	}
	return k, nil
}

// loadOrCreateKeys reads the keys at path, or makes new ones and keeps them there.
func loadOrCreateKeys(path string) (keys, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		k, err := newKeys()
		if err != nil {
			return k, err
		}
		return k, k.write(path)
	}
	if err != nil {
		return keys{}, fault.New(fault.Failed, "can't read the keys %s: %w", path, fault.Reason(err))
	}
	k, ok := parseKeys(raw)
	if !ok {
		return keys{}, fault.New(fault.Failed, "the keys %s are damaged: restore the file from a copy, or join the network again with a new data folder", path)
	}
	return k, nil
}

func parseKeys(raw []byte) (k keys, ok bool) {
	var f storedKeys
	d := json.NewDecoder(bytes.NewReader(raw))
	if d.Decode(&f) != nil || f.Kind != keysMark || len(f.Statement) != ed25519.SeedSize {
		return k, false
	}
	k.statement = ed25519.NewKeyFromSeed(f.Statement)
	if len(f.Root) == ed25519.SeedSize {
		k.root = ed25519.NewKeyFromSeed(f.Root)
	} else if len(f.Root) != 0 {
		return k, false
	}
	var err error
	k.seal, err = sealKEM().NewPrivateKey(f.Seal)
	return k, err == nil
}

func (k keys) write(path string) error {
	seal, err := k.seal.Bytes()
	if err != nil {
		return fault.New(fault.Failed, "can't encode a key: %w", err)
	}
	f := storedKeys{Kind: keysMark, Statement: k.statement.Seed(), Seal: seal}
	if k.root != nil {
		f.Root = k.root.Seed()
	}
	raw, err := json.Marshal(f)
	if err != nil {
		return fault.New(fault.Failed, "can't encode the keys: %w", err)
	}
	if err := durable.WriteFile(path, append(raw, '\n'), 0o600); err != nil {
		return fault.New(fault.Failed, "can't keep the keys: %w", err)
	}
	return nil
}

// readKeys reads the peer's keys, or makes them.
func (n *Network) readKeys() error {
	k, err := loadOrCreateKeys(n.file(keysName))
	if err == nil {
		n.keys.Store(&k)
	}
	return err
}

// SealKey returns the private key that opens data keys.
func (n *Network) SealKey() hpke.PrivateKey { return n.keys.Load().seal }

// HasRoot reports whether this machine has the network's root key.
func (n *Network) HasRoot() bool {
	s := n.State()
	root := n.keys.Load().root
	return s != nil && root != nil && statement.KeyOf(root) == s.Root
}
