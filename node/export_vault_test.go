package node

import (
	"bytes"
	"context"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/internal/vault"
	"github.com/p2pchord/p2pchord/protocol/pb"
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

// WithClear returns c for a client that looks for files that are not encrypted, too.
func (c ClientConfig) WithClear() ClientConfig {
	c.clear = func() bool { return true }
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

// AskEarlierMembers makes the client see lists as members of an earlier version give them: without
// what is sealed.
func (c *Client) AskEarlierMembers() {
	next := c.call
	c.call = func(ctx context.Context, to peer.ID, req *pb.FileRequest, body []byte) (*request.Reply, error) {
		r, err := next(ctx, to, req, body)
		if r != nil {
			for _, f := range r.GetListed().GetFiles() {
				f.Sealed, f.SealedTo = nil, nil
			}
		}
		return r, err
	}
}

// AnswerWith makes the client get another record than the one that it has asked a peer for.
func (c *Client) AnswerWith(other func(from peer.ID, g *pb.Got) *pb.Record) {
	next := c.call
	c.call = func(ctx context.Context, to peer.ID, req *pb.FileRequest, body []byte) (*request.Reply, error) {
		r, err := next(ctx, to, req, body)
		if r != nil && r.GetGot() != nil {
			r.GetGot().Record = other(to, r.GetGot())
		}
		return r, err
	}
}
