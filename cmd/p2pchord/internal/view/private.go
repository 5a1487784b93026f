package view

import (
	"time"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/internal/membership/manage"
)

// PrivateNetwork shows a private network.
func PrivateNetwork(s manage.Status, now time.Time) *textfmt.Page {
	var b textfmt.Page
	b.Printf("Network: %s\n", s.Network)
	if s.Name == "" {
		b.Printf("Name: not known yet: no member has been met\n")
		return &b
	}
	b.Printf("Name: %s\n", s.Name)
	b.Printf("Role: %s%s\n", s.Role, map[bool]string{true: ", with the root key"}[s.Root])
	switch {
	case s.Closed:
		b.Printf("Closed: yes, only members are let in\n")
	case s.ClosesAt != nil:
		b.Printf("Closed: from %s on\n", s.ClosesAt.Local().Format(time.DateTime))
	default:
		b.Printf("Closed: no, everybody is let in\n")
	}
	b.Printf("Members: %d, %d revoked, %s open\n", s.Members, s.Revoked, textfmt.Count(s.Invitations, "invitation", "invitations"))
	if s.Epoch > 0 {
		b.Printf("Data key: number %d\n", s.Epoch)
	}
	if s.Heard != nil {
		b.Printf("Heard: %s ago\n", now.Sub(*s.Heard).Round(time.Second))
	}
	for _, f := range s.Forks {
		if f.Invitation {
			b.Printf("Problem: the invitation %q was used by two machines, so neither is in: invite again, and find out who had the code\n", f.Name)
			continue
		}
		b.Printf("Problem: the key of %s was used in two places, and nothing that it issued from number %d on counts: a copied data folder or a stolen key\n", f.Name, f.Seq)
	}
	return &b
}

// NetworkMembers shows the members of a private network.
func NetworkMembers(all []manage.Member) *textfmt.Page {
	rows := [][]string{{"NAME", "ROLE", "STATE", "SINCE", "UNTIL", "PEER ID"}}
	for _, m := range all {
		state, until := "", "no end"
		switch {
		case m.Revoked:
			state = "revoked"
		case m.Online:
			state = "connected"
		}
		if m.Expires != nil {
			until = m.Expires.Local().Format(time.DateOnly)
		}
		rows = append(rows, []string{m.Name, m.Role, state, m.Issued.Local().Format(time.DateOnly), until, m.PeerID})
	}
	return textfmt.Table(rows)
}
