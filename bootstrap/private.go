package bootstrap

import (
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/p2pchord/p2pchord/internal/admission"
	"github.com/p2pchord/p2pchord/internal/joining"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/protocol"
)

// openNetwork opens the private network that the peer serves, if it serves one.
func (p *Peer) openNetwork(key crypto.PrivKey) (err error) {
	if p.cfg.Network.IsZero() {
		p.private, err = membership.Open(p.cfg.Data, key)
	} else {
		p.private, err = membership.Follow(p.cfg.Data, key, p.cfg.Network)
	}
	if errors.Is(err, membership.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	p.ring.Members = membership.Ring{Network: p.private, Now: time.Now}
	p.admission = admission.New(admission.Config{Network: p.private})
	return nil
}

// startNetwork begins to admit members, and to answer newcomers.
func (p *Peer) startNetwork() {
	if p.private == nil {
		return
	}
	p.admission.Start(p.host)
	p.joining = joining.Serve(p.host, p.private)
	p.ignore = p.private.Subscribe(p.dropRevoked)
}

// closeNetwork ends that.
func (p *Peer) closeNetwork() error {
	if p.private == nil {
		return nil
	}
	p.ignore()
	return errors.Join(p.joining.Close(), p.admission.Close())
}

// serveOptions says who may ask for what.
func (p *Peer) serveOptions() protocol.ServeOptions {
	return protocol.ServeOptions{Neighbor: p.isMember, Network: p.ring.Network(), May: p.admission.Roles()}
}

// dropRevoked takes those out of the roster who are no longer granted their places.
func (p *Peer) dropRevoked() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.roster.Members() {
		if !p.ring.Admits(m.Position) {
			p.note(time.Now(), p.roster.Goodbye(m.Position.ID))
		}
	}
}

// Network returns the ID of the private network that the peer serves, and its name as far as that
// is known; "" if the ring is open.
func (p *Peer) Network() (id, name string) {
	if p.private == nil {
		return "", ""
	}
	return p.private.ID().String(), p.private.Name()
}
