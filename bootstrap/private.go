package bootstrap

import (
	"errors"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/p2pchord/p2pchord/internal/membership"
)

// openNetwork opens the private network that the peer serves, if it serves one.
func (p *Peer) openNetwork(key crypto.PrivKey) (err error) {
	if !p.cfg.Network.IsZero() {
		p.private, err = membership.Follow(p.cfg.Data, key, p.cfg.Network)
		return err
	}
	p.private, err = membership.Open(p.cfg.Data, key)
	if errors.Is(err, membership.ErrNone) {
		return nil
	}
	return err
}

// Network returns the ID of the private network that the peer serves, and its name as far as that
// is known; "" if the ring is open.
func (p *Peer) Network() (id, name string) {
	if p.private == nil {
		return "", ""
	}
	return p.private.ID().String(), p.private.Name()
}
