package node

import (
	"bytes"

	"github.com/p2pchord/p2pchord/internal/vault"
	"github.com/p2pchord/p2pchord/store"
)

// WithVault returns c for a peer that has the keys of a vault.
func (c Config) WithVault(v *vault.Vault) Config {
	c.vault = func() (*vault.Vault, error) { return v, nil }
	return c
}

// WithVault returns c for a client that has the keys of a vault.
func (c ClientConfig) WithVault(v *vault.Vault) ClientConfig {
	c.vault = func() (*vault.Vault, error) { return v, nil }
	return c
}

// WithVaultError returns c for a client that has no keys yet.
func (c ClientConfig) WithVaultError(err error) ClientConfig {
	c.vault = func() (*vault.Vault, error) { return nil, err }
	return c
}

// Holds reports whether text is in any entry of the node's store.
func (n *Node) Holds(text []byte) bool {
	found := false
	_ = n.store.Scan(allKeys, nil, func(e store.Entry) bool {
		found = found || bytes.Contains([]byte(e.Name), text) || bytes.Contains(e.Value, text)
		return !found
	})
	return found
}
