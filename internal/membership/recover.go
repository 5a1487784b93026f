package membership

import (
	"crypto/ed25519"
	"slices"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network/statement"
)

// Recover makes a new root, which this machine has from then on, with this peer as an admin. It
// needs a quorum of the recovery keys. What earlier roots and admins have issued stays.
func (n *Network) Recover(recovery []ed25519.PrivateKey, label string, now time.Time) error {
	s := n.State()
	if s == nil {
		return fault.New(fault.TryAgain, "this peer doesn't know the network's statements yet: import what a member exported, or connect to a member first")
	}
	if err := n.checkQuorum(recovery); err != nil {
		return err
	}
	_, root, err := ed25519.GenerateKey(nil)
	if err != nil {
		return fault.New(fault.Failed, "can't make a key: %w", err)
	}
	o := statement.RootOrder{Network: n.id, Root: statement.KeyOf(root), Generation: s.Generation + 1}
	for _, i := range s.Issuers {
		if !i.Root {
			continue
		}
		c, err := n.cut(i.Key, 0)
		if err != nil {
			return err
		}
		o.Cuts = append(o.Cuts, c)
	}
	order := &statement.NewRoot{Order: o}
	for _, k := range recovery {
		order.Approvals = append(order.Approvals, statement.Approve(k, o))
	}
	k := *n.keys.Load()
	k.root = root
	if err := k.write(n.file(keysName)); err != nil {
		return err
	}
	n.keys.Store(&k)
	if _, err := n.issueWith(root, order, now, nil); err != nil {
		return err
	}
	if m, ok := n.Member(n.self); ok && m.Roles.Has(statement.Admin) {
		return nil
	}
	m, _ := n.Member(n.self)
	_, err = n.issueWith(root, n.ownGrant(label, m.Place, m.Serial+1), now, nil)
	return err
}

// Recovery returns how many recovery keys the network has, and how many of them replace the root.
func (n *Network) Recovery() (keys, quorum int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.set == nil {
		return 0, 0
	}
	g, ok := n.set.All()[0].Content().(*statement.Genesis)
	if !ok {
		return 0, 0
	}
	return len(g.Recovery), g.Quorum
}

// checkQuorum reports which recovery keys are wrong, or that they are too few.
func (n *Network) checkQuorum(recovery []ed25519.PrivateKey) error {
	n.mu.Lock()
	g, ok := n.set.All()[0].Content().(*statement.Genesis)
	n.mu.Unlock()
	switch {
	case !ok || g.Quorum == 0:
		return fault.New(fault.NotAllowed, "the network %q was made without recovery keys, so its root can't be replaced", n.Name())
	case len(recovery) < g.Quorum:
		return fault.New(fault.NotAllowed, "the network %q needs %d of its %d recovery keys, and %d were given", g.Name, g.Quorum, len(g.Recovery), len(recovery))
	}
	for i, k := range recovery {
		switch {
		case !slices.Contains(g.Recovery, statement.KeyOf(k)):
			return fault.New(fault.NotAllowed, "recovery key %d is none of the network %q", i+1, g.Name)
		case slices.ContainsFunc(recovery[:i], func(other ed25519.PrivateKey) bool { return other.Equal(k) }):
			return fault.New(fault.Usage, "recovery key %d was given twice", i+1)
		}
	}
	return nil
}
