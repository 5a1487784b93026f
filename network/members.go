package network

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/p2pchord/p2pchord/network/statement"
)

// granted is a Grant that counts.
type granted struct {
	*statement.Grant
	id      statement.ID
	byAdmin bool
	timeMS  uint64 // by the issuer's clock
}

// addMembers makes a member of each peer that has grants and is not revoked, and tells until when
// the records of each peer that may write, or once might, count. revokedMS are the times of the
// revocations.
func (st *State) addMembers(o *outcome, revokedMS map[statement.Peer]uint64) {
	grants := map[statement.Peer][]granted{}
	for _, c := range o.counted {
		if g, ok := c.Content().(*statement.Grant); ok {
			grants[g.Peer] = append(grants[g.Peer], granted{g, c.ID(), o.issuers[c.Issuer()] >= admin, c.TimeMS()})
		}
	}
	for p, all := range grants {
		if st.Revoked[p] == nil {
			st.Members[p] = merge(all)
		}
		if until, ever := writesUntil(all); ever {
			if revoked, ok := revokedMS[p]; ok {
				until = min(until, revoked)
			}
			st.Writers[p] = until
		}
	}
}

// rank orders the grants of a peer: those of admins are above those of invitations, whose holder
// chooses the serial himself.
func (g granted) rank(other granted) int {
	switch {
	case g.byAdmin != other.byAdmin && g.byAdmin:
		return 1
	case g.byAdmin != other.byAdmin:
		return -1
	}
	return cmp.Compare(g.Serial, other.Serial)
}

// merge makes a member of the highest of its grants. Among equals it takes the roles that all give,
// and the earliest end; the rest is that of the one with the smallest ID.
func merge(all []granted) Member {
	all = highest(all)
	first := all[0]
	m := Member{
		Peer: first.Peer, Roles: first.Roles, SealKey: first.SealKey, StatementKey: first.StatementKey, Label: first.Label, Place: first.Place,
		NotAfterMS: first.NotAfterMS, NarrowedTo: first.NarrowedTo, Serial: first.Serial,
	}
	for _, g := range all {
		m.Grants = append(m.Grants, g.id)
		m.Roles &= g.Roles
		m.NotAfterMS = earlier(m.NotAfterMS, g.NotAfterMS)
		if !bytes.Equal(m.NarrowedTo, g.NarrowedTo) {
			m.Roles = 0
		}
	}
	return m
}

// highest returns the highest of a peer's grants, in the order of their IDs.
func highest(all []granted) []granted {
	most := slices.MaxFunc(all, granted.rank)
	all = slices.DeleteFunc(slices.Clone(all), func(g granted) bool { return g.rank(most) < 0 })
	slices.SortFunc(all, func(a, b granted) int { return a.id.Compare(b.id) })
	return all
}

// earlier returns the earlier of two ends, where 0 is none.
func earlier(a, b uint64) uint64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// laterPolicy returns the policy with the greater serial, or of two equals what is stricter in
// each.
func laterPolicy(a, b statement.Policy) statement.Policy {
	switch {
	case a.Serial > b.Serial:
		return a
	case b.Serial > a.Serial:
		return b
	}
	return statement.Policy{
		Serial: a.Serial, Closed: a.Closed || b.Closed, ClosedFromMS: earlier(a.ClosedFromMS, b.ClosedFromMS),
		HideFolders: a.HideFolders || b.HideFolders, Pad: a.Pad || b.Pad,
		CarefulDays: uint32(earlier(uint64(a.CarefulDays), uint64(b.CarefulDays))),
	}
}
