// Package networkfolder works on the private network of a data folder whose peer doesn't run. It
// locks the folder meanwhile, and starts nothing.
package networkfolder

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/membership/manage"
	"github.com/p2pchord/p2pchord/internal/p2phost"
)

// The files that hold the identity of a node and of a bootstrap peer.
const (
	nodeIdentity      = "identity.key"
	bootstrapIdentity = "identity"
)

// Folder is a locked data folder.
type Folder struct {
	Dir      string
	Identity crypto.PrivKey
	Network  *membership.Network // nil if it has none

	lock *durable.Folder
}

// Open locks a data folder and opens its network. The error is manage.ErrNoNetwork if it has none,
// and nothing is made then.
func Open(dir string) (*Folder, error) {
	if !membership.Exists(dir) {
		return nil, manage.ErrNoNetwork
	}
	return OpenOrMake(dir)
}

// OpenOrMake locks a data folder. It makes folder and identity if they are missing, but no network.
func OpenOrMake(dir string) (f *Folder, err error) {
	lock, err := durable.LockFolder(dir)
	if err != nil {
		return nil, durable.CantOpen(dir, err)
	}
	defer func() {
		if err != nil {
			_ = lock.Unlock() // the first error says more
		}
	}()
	f = &Folder{Dir: dir, lock: lock}
	if f.Identity, err = p2phost.LoadOrCreateIdentity(identityPath(dir)); err != nil {
		return nil, err
	}
	f.Network, err = membership.Open(dir, f.Identity)
	if errors.Is(err, membership.ErrNone) {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

func identityPath(dir string) string {
	node, boot := filepath.Join(dir, nodeIdentity), filepath.Join(dir, bootstrapIdentity)
	if _, err := os.Stat(node); err != nil {
		if _, err := os.Stat(boot); err == nil {
			return boot
		}
	}
	return node
}

// ManageNetwork shows or changes the network, as a running node does.
func (f *Folder) ManageNetwork(_ context.Context, r manage.Request) (manage.Answer, error) {
	m := manage.Manager{Network: f.Network}
	kept, err := f.Network.Addresses()
	if err != nil {
		return manage.Answer{}, err
	}
	var addrs []ma.Multiaddr
	for _, text := range kept {
		if a, err := ma.NewMultiaddr(text); err == nil {
			addrs = append(addrs, a)
		}
	}
	m.Addresses = manage.CodeAddresses(addrs, nil)
	return m.Do(r, time.Now())
}

// Close unlocks the folder.
func (f *Folder) Close() error { return f.lock.Unlock() }
