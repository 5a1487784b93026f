package p2phost

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// maxIdentity bounds, in bytes, what is read as an identity; an Ed25519 key has 68.
const maxIdentity = 16 << 10

// LoadOrCreateIdentity reads the private key at path, or makes an Ed25519 one and keeps it there, readable
// by its owner only. A file that is no key is an error and is left as it is.
func LoadOrCreateIdentity(path string) (crypto.PrivKey, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the path is the caller's data folder
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
		return nil, fault.New(fault.Failed, "%s is not an identity (%w): restore it from a copy, or remove it to get a new one", path, oneLine{err})
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
	if err := writeDurably(path, data); err != nil {
		return nil, fault.New(fault.Failed, "can't keep the identity: %w", err)
	}
	return key, nil
}

// writeDurably puts data at path, whole or not at all: temporary file, fsync, rename, fsync of the folder.
func writeDurably(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".identity-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	_ = f.Close()
	d, err := os.Open(dir) //nolint:gosec // the caller's data folder
	if err != nil {
		return nil //nolint:nilerr // a system on which folders can't be opened keeps renames itself
	}
	_ = d.Sync()
	return d.Close()
}
