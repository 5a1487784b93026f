package node

import (
	"context"
	"errors"
	"time"

	libp2pnet "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/joining"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/membership/manage"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// openNetwork opens the private network of the data folder, if it has one. A node that is told of
// no bootstrap peer uses those that the network has kept.
func (n *Node) openNetwork() error {
	var err error
	n.private, err = membership.Open(n.cfg.Data, n.folder.Key())
	if errors.Is(err, membership.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(n.cfg.Bootstrap) == 0 {
		n.cfg.Bootstrap, err = keptAddresses(n.private)
		return err
	}
	return n.private.KeepAddresses(texts(n.cfg.Bootstrap))
}

// keptAddresses returns the addresses of bootstrap peers that a network has kept.
func keptAddresses(n *membership.Network) (out []ma.Multiaddr, err error) {
	all, err := n.Addresses()
	if err != nil {
		return nil, err
	}
	for _, text := range all {
		a, err := peeraddr.Parse(text)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func texts(addrs []ma.Multiaddr) (out []string) {
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return out
}

// clearFiles reports whether files that are not encrypted are looked for too.
func (n *Node) clearFiles() bool { return n.private != nil && n.private.FromOpenRing() }

// vaultKeys returns what gives the keys with which files are encrypted; nil in an open ring, where
// they are stored as they are.
func (n *Node) vaultKeys() vaultKeys {
	if n.private == nil {
		return n.cfg.vault
	}
	return n.private.Vault
}

// ManageNetwork shows or changes the private network of this node.
func (n *Node) ManageNetwork(_ context.Context, r manage.Request) (manage.Answer, error) {
	if n.private == nil {
		return manage.Answer{}, manage.ErrNoNetwork
	}
	m := manage.Manager{
		Network:   n.private,
		Online:    func(p peer.ID) bool { return n.host.Network().Connectedness(p) != libp2pnet.NotConnected },
		Addresses: manage.CodeAddresses(n.cfg.Bootstrap, n.Addrs()),
	}
	return m.Do(r, time.Now())
}

// describeNetwork adds to a status whether the node's ring is private.
func (n *Node) describeNetwork(s *Network) {
	if n.private == nil {
		return
	}
	s.Private, s.ID, s.Name = true, n.private.ID().String(), n.private.Name()
	s.Role = "none"
	if roles, ok := n.private.Roles(n.private.Self(), time.Now()); ok {
		s.Role = roles.String()
	}
}

// PrivateNetwork returns the ID and the name of the node's private network; "" if its ring is open.
func (n *Node) PrivateNetwork() (id, name string) {
	if n.private == nil {
		return "", ""
	}
	return n.private.ID().String(), n.private.Name()
}

// fetchKeys gets the data keys from the members that the node has met while it joined the ring: who
// is told that the node is ready puts files. Without an answer KeepKeys goes on.
func (n *Node) fetchKeys(ctx context.Context) {
	if n.private == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Timeout)
	defer cancel()
	joining.FetchKeysFromAny(ctx, n.host, n.private)
}
