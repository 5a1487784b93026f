package manage

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/network/invitation"
	"github.com/p2pchord/p2pchord/network/statement"
)

// Manager works on a network.
type Manager struct {
	Network *membership.Network
	// Online reports whether a peer is connected. Default: nobody is.
	Online func(peer.ID) bool
	// Addresses are encoded multiaddrs for long codes, the best first.
	Addresses [][]byte
}

// Do carries out a request.
func (m Manager) Do(r Request, now time.Time) (a Answer, err error) {
	n := m.Network
	switch r.Do {
	case DoStatus:
		s := m.status(now)
		a.Status = &s
	case DoMembers:
		a.Members = m.members(now)
	case DoInvite:
		a.Invitations, err = m.invite(r, now)
	case DoRevoke:
		var p peer.ID
		if p, err = m.find(r.Peer); err == nil {
			err = n.Revoke(p, r.CutFrom, r.Why, now)
		}
	case DoRename:
		var p peer.ID
		if p, err = m.find(r.Peer); err == nil {
			err = n.Rename(p, r.Name, now)
		}
	case DoClose:
		at := r.At
		if at.IsZero() {
			at = now
		}
		err = n.Close(at, now)
	case DoExport:
		a.Statements, err = n.Export()
	case DoImport:
		a.Added, err = n.Import(r.Statements)
	default:
		err = fault.New(fault.Usage, "there is nothing called %q to do with a network", r.Do)
	}
	return a, err
}

func (m Manager) status(now time.Time) Status {
	n := m.Network
	out := Status{Network: n.ID().String(), Role: "none", Closed: n.Closed(now), Forks: []Fork{}, Root: n.HasRoot()}
	if t := n.Heard(); !t.IsZero() {
		out.Heard = &t
	}
	s := n.State()
	if s == nil {
		return out
	}
	out.Name, out.Revoked = s.Name, len(s.Revoked)
	if roles, ok := n.Roles(n.Self(), now); ok {
		out.Role = roles.String()
	}
	if s.Policy.Closed && !out.Closed {
		at := fromMillis(s.Policy.ClosedFromMS)
		out.ClosesAt = &at
	}
	for p := range s.Members {
		if _, ok := n.Roles(peer.ID(p), now); ok {
			out.Members++
		}
	}
	for _, i := range s.Invites {
		if i.Use == network.Unused && (i.NotAfterMS == 0 || fromMillis(i.NotAfterMS).After(now)) {
			out.Invitations++
		}
	}
	for _, k := range s.Keys {
		out.Epoch = max(out.Epoch, k.Epoch)
	}
	for _, f := range s.Forks {
		out.Forks = append(out.Forks, describe(s, f))
	}
	return out
}

func describe(s *network.State, f network.Fork) Fork {
	out := Fork{Issuer: f.Issuer.String(), Seq: f.Seq}
	for _, i := range s.Invites {
		if i.Key == f.Issuer {
			out.Name, out.Invitation = i.Label, true
		}
	}
	for _, i := range s.Issuers {
		if i.Key != f.Issuer {
			continue
		}
		if out.Name = "the root"; !i.Root && len(i.Peers) > 0 {
			out.Name = cmp.Or(s.Members[i.Peers[0]].Label, peer.ID(i.Peers[0]).String())
		}
	}
	return out
}

// members lists those who are members, and those who were until they were revoked, by name.
func (m Manager) members(now time.Time) []Member {
	n := m.Network
	out := []Member{}
	for _, g := range n.Grants() {
		p := peer.ID(g.Peer)
		e := Member{
			PeerID: p.String(), Name: g.Label, Role: g.Roles.String(), Issued: fromMillis(g.IssuedMS), Revoked: n.Revoked(p),
			Online: p == n.Self() || m.Online != nil && m.Online(p),
		}
		if g.NotAfterMS > 0 {
			t := fromMillis(g.NotAfterMS)
			e.Expires = &t
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Member) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.PeerID, b.PeerID)) })
	return out
}

// find returns the member that a text names: by its peer ID, or by its name if no other has that.
func (m Manager) find(who string) (peer.ID, error) {
	if p, err := peer.Decode(who); err == nil {
		return p, nil
	}
	var found []peer.ID
	for _, g := range m.Network.Grants() {
		if g.Label == who && !m.Network.Revoked(peer.ID(g.Peer)) {
			found = append(found, peer.ID(g.Peer))
		}
	}
	switch len(found) {
	case 0:
		return "", fault.New(fault.NotFound, "no member is called %q: network members lists all", who)
	case 1:
		return found[0], nil
	}
	return "", fault.New(fault.Usage, "%d members are called %q: give a peer ID, which network members shows", len(found), who)
}

func (m Manager) invite(r Request, now time.Time) ([]Invitation, error) {
	roles, ok := statement.ParseRoles(cmp.Or(r.Role, "member"))
	count, wait := cmp.Or(r.Count, 1), cmp.Or(r.For, DefaultFor)
	switch {
	case !ok:
		return nil, fault.New(fault.Usage, "there is no role %q: give member, client, reader, storage, relay, or admin", r.Role)
	case count < 1 || count > MaxInvitations:
		return nil, fault.New(fault.Usage, "%d invitations: it must be 1 to %d", count, MaxInvitations)
	case wait < time.Second:
		return nil, fault.New(fault.Usage, "an invitation for %s can't be used: give a time like 24h", timeText(wait))
	}
	t := membership.Terms{Roles: roles, Label: r.Name, Until: now.Add(wait)}
	if roles == statement.RolesClient || roles == statement.RolesReader {
		t.Grant = clientGrant
	}
	out := []Invitation{}
	for i := range count {
		if r.Name != "" && count > 1 {
			t.Label = fmt.Sprintf("%s-%d", r.Name, i+1)
		}
		s, err := m.Network.Invite(t, now)
		if err != nil {
			return out, err
		}
		code := invitation.Code{Secret: s, Network: m.Network.ID(), Addresses: m.Addresses}
		out = append(out, Invitation{Code: code.Long(), Short: s.Short(), Role: roles.String(), Expires: t.Until.UTC()})
	}
	return out, nil
}

func fromMillis(ms uint64) time.Time { return time.UnixMilli(int64(ms)).UTC() }
