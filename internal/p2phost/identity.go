package p2phost

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// maxIdentity bounds, in bytes, what is read as an identity; an Ed25519 key has 68.
const maxIdentity = 16 << 10

// LoadOrCreateIdentity reads the private key at path, or makes an Ed25519 one and keeps it there,
// readable by its owner only. A file that is no key is an error and is left as it is.
func LoadOrCreateIdentity(path string) (crypto.PrivKey, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createIdentity(path)
	}
	if err != nil {
		return nil, fault.New(fault.Failed, "can't read the identity: %w", err)
	}
	if len(data) > maxIdentity {
		return nil, fault.New(fault.Failed, "%s is not an identity: it has %d bytes: restore it from a copy, or remove it to get a new one", path, len(data))
	}
	key, err := crypto.UnmarshalPrivateKey(data)
	if err != nil {
		return nil, fault.New(fault.Failed, "%s is not an identity (%w): restore it from a copy, or remove it to get a new one", path, fault.OneLine(err))
	}
	return key, nil
}

func createIdentity(path string) (crypto.PrivKey, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, fault.New(fault.Failed, "can't make an identity: %w", err)
	}
	data, err := crypto.MarshalPrivateKey(key)
	if err != nil {
		return nil, fault.New(fault.Failed, "can't make an identity: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fault.New(fault.Failed, "can't keep the identity: %w", err)
	}
	if err := durable.WriteFile(path, data, 0o600); err != nil {
		return nil, fault.New(fault.Failed, "can't keep the identity: %w", err)
	}
	return key, nil
}
