package node

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/admission"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/nodefolder"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/admit"
)

// takePlace makes the node's ring that of its private network, in which it has the place that it is
// granted.
func (n *Node) takePlace(bootstrap []peer.AddrInfo) error {
	if n.private == nil {
		return nil
	}
	n.ring = ringOf(n.private)
	address, ok := n.ring.Place(n.private.Self())
	if !ok {
		return fault.New(fault.NotAllowed, "this peer has no place on the ring of the private network %s: it is no member that stores files, was revoked, or its grant has ended", name(n.private))
	}
	if !n.address.IsZero() && n.address != address {
		return fault.New(fault.NotAllowed, "this peer's place on the ring of the private network %s is %s, which it can't choose: start it without a ring address", name(n.private), address)
	}
	n.address = address
	n.admission = newAdmission(n.private, bootstrap)
	return nil
}

// followMembers begins to admit members, and has the ring drop those that are none any more.
func (n *Node) followMembers() {
	if n.private == nil {
		return
	}
	n.admission.Start(n.host)
	unsubscribe := n.private.Subscribe(func() {
		n.book.Review()
		if d := n.driver(); d != nil {
			d.Review()
		}
	})
	n.spawn(func(ctx context.Context) {
		<-ctx.Done()
		unsubscribe()
	})
}

func ringOf(n *membership.Network) protocol.Ring {
	return protocol.Ring{Members: membership.Ring{Network: n, Now: time.Now}}
}

func newAdmission(n *membership.Network, bootstrap []peer.AddrInfo) *admission.Admission {
	cfg := admission.Config{Network: n}
	for _, b := range bootstrap {
		cfg.Given = append(cfg.Given, b.ID)
	}
	return admission.New(cfg)
}

// localName returns what names the peers of the private network on a local network; nil in an open
// ring.
func (n *Node) localName() func(time.Time) [8]byte {
	if n.private == nil {
		return nil
	}
	return func(at time.Time) [8]byte { return admit.LocalName(n.private.ID(), at) }
}

// name is what people call a network.
func name(n *membership.Network) string {
	if n.Name() == "" {
		return n.ID().Short()
	}
	return n.Name()
}

// openAsClient opens the private network of a data folder, and the identity with which a client
// belongs to it. Both are nil if it has none.
func openAsClient(dir string) (crypto.PrivKey, *membership.Network, error) {
	if dir == "" || !membership.Exists(dir) {
		return nil, nil, nil
	}
	key, err := p2phost.LoadOrCreateIdentity(filepath.Join(dir, nodefolder.IdentityFile))
	if err != nil {
		return nil, nil, err
	}
	n, err := membership.Open(dir, key)
	if errors.Is(err, membership.ErrNone) {
		return nil, nil, nil
	}
	return key, n, err
}
