package membership

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/network/statement"
)

// Revoke ends a peer's membership. What an admin has issued goes on to count, up to the last
// statement that is known, or only what came before number cutFrom if that isn't 0; its invitations
// that nobody has used are withdrawn.
func (n *Network) Revoke(p peer.ID, cutFrom uint64, why string, now time.Time) error {
	s := n.State()
	key, err := n.issuer()
	if err != nil {
		return err
	}
	r := &statement.Revoke{Peer: statement.Peer(p), Why: why}
	m, ok := s.Members[r.Peer]
	switch {
	case !ok && len(s.Revoked[r.Peer]) > 0:
		return fault.New(fault.NotAllowed, "%s is revoked already", p)
	case !ok:
		return fault.New(fault.NotFound, "no member has the peer ID %s", p)
	}
	if !m.StatementKey.IsZero() {
		cut, err := n.cut(m.StatementKey, cutFrom)
		if err != nil {
			return err
		}
		r.Cuts = append(append(r.Cuts, cut), n.unusedInvitations(s, m.StatementKey)...)
		if n.HasRoot() {
			key = n.keys.Load().root // an admin can't undo what the root revokes
		}
	}
	if _, err = n.issueWith(key, r, now, nil); err != nil {
		return err
	}
	if !network.Allow(m.Roles, network.ReceiveKeys) {
		return nil
	}
	if err := n.rotate(now); err != nil {
		return fault.New(fault.CodeOf(err), "%s is revoked, but the data key could not be replaced, so it could read what it gets hold of: %w", p, err)
	}
	return nil
}

// Withdraw makes an invitation that nobody has used worthless.
func (n *Network) Withdraw(invitation statement.Key, now time.Time) error {
	_, err := n.Issue(&statement.Revoke{Cuts: []statement.Cut{{Issuer: invitation}}, Why: "withdrawn"}, now)
	return err
}

// cut ends what a key has issued before number from, or after the last statement if from is 0.
func (n *Network) cut(key statement.Key, from uint64) (statement.Cut, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := statement.Cut{Issuer: key}
	path := n.set.Whole(key)
	if from > 0 {
		if from > uint64(len(path))+1 {
			return c, fault.New(fault.Usage, "there is no statement %d of this admin: %d are known", from, len(path))
		}
		path = path[:from-1]
	}
	if len(path) > 0 {
		last := path[len(path)-1]
		c.KeepSeq, c.Keep = last.Seq(), last.ID()
	}
	return c, nil
}

// unusedInvitations returns cuts for the invitations of an issuer that are still open, as many as
// fit into one statement beside its own.
func (n *Network) unusedInvitations(s *network.State, issuer statement.Key) (out []statement.Cut) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, i := range s.Invites {
		if i.Use == network.Unused && len(out) < statement.MaxCuts-1 && n.set.Get(i.Statement).Issuer() == issuer {
			out = append(out, statement.Cut{Issuer: i.Key})
		}
	}
	return out
}
