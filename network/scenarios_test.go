package network

import (
	"slices"
	"testing"

	"github.com/p2pchord/p2pchord/network/statement"
)

// scenario is eight statements beside the genesis, and what they amount to in any order.
type scenario struct {
	name       string
	statements []*statement.Statement
	members    []int
	check      func(t *testing.T, st *State)
}

func scenarios(t testing.TB) []scenario {
	t.Helper()
	var out []scenario
	for _, make := range []func(*world) scenario{
		household, invitedAdmin, forkedAdmin, chosenBranch, mutualRevocation, rootDecides, revocationUndone, stolenAdmin,
		usedTwice, oneChosen, rootRecovered, rootContested, rootSettled, cycleOfThree, tooMuch, demoted,
	} {
		out = append(out, make(newWorld(t)))
	}
	return out
}

func household(w *world) scenario {
	a, k := w.author(2), w.author(3)
	i := invite(k, statement.RolesMember)
	renamed := member(2, statement.RolesMember)
	renamed.Serial, renamed.Label = 1, "renamed"
	return scenario{"a household", []*statement.Statement{
		w.root.say(administrator(1, a)), a.say(member(2, statement.RolesMember)), a.say(member(3, statement.RolesStorage)), a.say(i),
		k.say(w.join(4, i, k)), a.say(renamed), a.say(&statement.Revoke{Peer: peerOf(3), Why: "sold"}),
		a.say(&statement.Policy{Serial: 1, Closed: true}),
	}, []int{1, 2, 4}, func(t *testing.T, st *State) {
		if got := st.Members[peerOf(2)].Label; got != "renamed" {
			t.Errorf("the label is %q", got)
		}
		if got := st.Members[peerOf(4)]; got.Place != "given" || got.Roles != statement.RolesMember {
			t.Errorf("the invited member is %+v", got)
		}
		if !st.Policy.Closed || st.Revoked[peerOf(3)] == nil || len(st.Forks) != 0 {
			t.Errorf("%+v", st)
		}
		if got := st.Invites[0]; got.Use != Used || got.UsedBy != peerOf(4) {
			t.Errorf("the invitation is %+v", got)
		}
	}}
}

// An invited admin invites another one.
func invitedAdmin(w *world) scenario {
	a, b, k, l := w.author(2), w.author(3), w.author(4), w.author(5)
	first, second := invite(k, statement.RolesAdmin), invite(l, statement.RolesClient)
	second.GrantNotAfterMS = 1000
	g := w.join(2, first, k)
	g.StatementKey = b.public()
	g.Consent = statement.Consent(seeded(peerSeed+2), w.genesis.Network(), k.public(), g)
	c := w.join(3, second, l)
	c.NotAfterMS = 1000
	return scenario{"an invited admin", []*statement.Statement{
		w.root.say(administrator(1, a)), a.say(first), k.say(g), b.say(second), l.say(c), b.say(member(4, statement.RolesReader)),
		b.say(&statement.Keys{Epoch: 1, AttachmentHash: w.genesis.ID(), AttachmentSize: 1}), k.say(member(5, statement.RolesReader)),
	}, []int{1, 2, 3, 4}, func(t *testing.T, st *State) {
		if m := st.Members[peerOf(3)]; !m.May(ReadFiles, 1000) || m.May(ReadFiles, 1001) || m.May(EnterRing, 0) {
			t.Errorf("%+v", m)
		}
		if len(st.Keys) != 1 || len(st.LatestKeys()) != 1 {
			t.Errorf("%+v", st.Keys)
		}
	}}
}

func forkedAdmin(w *world) scenario {
	a := w.author(2)
	return scenario{"an admin's history forks", []*statement.Statement{
		w.root.say(administrator(1, a)), w.root.say(member(7, statement.RolesMember)), a.say(member(2, statement.RolesMember)), a.instead(member(3, statement.RolesMember)),
		a.say(member(4, statement.RolesMember)), a.say(member(5, statement.RolesMember)), a.instead(member(6, statement.RolesMember)),
		a.say(&statement.Revoke{Peer: peerOf(7)}),
	}, []int{1, 2, 7}, func(t *testing.T, st *State) {
		if want := []Fork{{a.public(), 2}}; !slices.Equal(st.Forks, want) {
			t.Errorf("forks: %v", st.Forks)
		}
	}}
}

func chosenBranch(w *world) scenario {
	a := w.author(2)
	s := scenario{"the root chooses a branch", []*statement.Statement{
		w.root.say(administrator(1, a)), a.instead(member(3, statement.RolesMember)), a.say(member(2, statement.RolesMember)),
		a.say(member(4, statement.RolesMember)), a.instead(member(6, statement.RolesMember)),
	}, []int{1, 2, 4, 5}, nil}
	kept := a.say(member(5, statement.RolesMember))
	s.statements = append(s.statements, kept, a.say(member(8, statement.RolesMember)),
		w.root.say(&statement.Revoke{Cuts: []statement.Cut{cut(a, kept)}}))
	return s
}

func mutualRevocation(w *world) scenario {
	a, b := w.author(2), w.author(3)
	s := scenario{"two admins revoke each other", []*statement.Statement{w.root.say(administrator(1, a)), w.root.say(administrator(2, b))}, []int{3, 4}, nil}
	ga, gb := a.say(member(3, statement.RolesMember)), b.say(member(4, statement.RolesMember))
	s.statements = append(
		s.statements, ga, gb,
		a.say(&statement.Revoke{Peer: peerOf(2), Cuts: []statement.Cut{cut(b, gb)}}), b.say(&statement.Revoke{Peer: peerOf(1), Cuts: []statement.Cut{cut(a, ga)}}),
		a.say(member(5, statement.RolesMember)), b.say(member(6, statement.RolesMember)),
	)
	return s
}

// After the same the root cuts off one of the two, and the other is back.
func rootDecides(w *world) scenario {
	a, b := w.author(2), w.author(3)
	s := mutualRevocation(w)
	s.name, s.members = "two admins revoke each other, and the root decides", []int{1, 3, 4, 5}
	gb := s.statements[3]
	s.statements = append(s.statements[:7], w.root.say(&statement.Revoke{Peer: peerOf(2), Cuts: []statement.Cut{cut(b, gb)}}))
	s.check = func(t *testing.T, st *State) {
		if st.Revoked[peerOf(1)] != nil || st.Revoked[peerOf(2)] == nil {
			t.Errorf("revoked: %v", st.Revoked)
		}
		for _, i := range st.Issuers {
			if i.Key == a.public() && i.Counted != 3 {
				t.Errorf("%+v", i)
			}
		}
	}
	return s
}

// An admin cuts off another before that one revoked a member.
func revocationUndone(w *world) scenario {
	a, b, c := w.author(2), w.author(3), w.author(4)
	s := scenario{"a revocation is undone", []*statement.Statement{w.root.say(administrator(1, a)), w.root.say(administrator(2, b)), w.root.say(administrator(3, c))}, []int{1, 2, 3, 4, 5, 6}, nil}
	good := b.say(member(4, statement.RolesMember))
	s.statements = append(
		s.statements, good, b.say(&statement.Revoke{Peer: peerOf(3)}), c.say(member(5, statement.RolesMember)),
		a.say(&statement.Revoke{Cuts: []statement.Cut{cut(b, good)}}), a.say(member(6, statement.RolesMember)),
	)
	return s
}

func stolenAdmin(w *world) scenario {
	a, b, k := w.author(2), w.author(3), w.author(4)
	i := invite(k, statement.RolesMember)
	s := scenario{"a stolen admin key is cut off", []*statement.Statement{w.root.say(administrator(1, a)), w.root.say(administrator(2, b))}, []int{1, 2, 3}, nil}
	good := a.say(member(3, statement.RolesMember))
	s.statements = append(
		s.statements, good, a.say(member(4, statement.RolesMember)), a.say(i), k.say(w.join(5, i, k)),
		a.say(&statement.Revoke{Peer: peerOf(3)}), b.say(&statement.Revoke{Cuts: []statement.Cut{cut(a, good)}}),
	)
	return s
}

func usedTwice(w *world) scenario {
	a, k, l := w.author(2), w.author(3), w.author(4)
	i, j := invite(k, statement.RolesMember), invite(l, statement.RolesMember)
	return scenario{"an invitation is used twice", []*statement.Statement{
		w.root.say(administrator(1, a)), a.say(i), a.say(j), k.instead(w.join(2, i, k)), k.instead(w.join(3, i, k)), l.say(w.join(4, j, l)),
		a.say(member(5, statement.RolesReader)), a.say(&statement.Revoke{Cuts: []statement.Cut{cut(l, nil)}}),
	}, []int{1, 5}, func(t *testing.T, st *State) {
		for _, inv := range st.Invites {
			if want := map[statement.Key]Use{k.public(): UsedTwice, l.public(): Withdrawn}[inv.Key]; inv.Use != want {
				t.Errorf("%+v, want %d", inv, want)
			}
		}
		if len(st.Forks) != 1 {
			t.Errorf("forks: %v", st.Forks)
		}
	}}
}

func oneChosen(w *world) scenario {
	a, k := w.author(2), w.author(3)
	i := invite(k, statement.RolesMember)
	mine := k.instead(w.join(2, i, k))
	return scenario{"an invitation is used twice, and the root chooses one", []*statement.Statement{
		w.root.say(administrator(1, a)), a.say(i), mine, k.instead(w.join(3, i, k)), a.say(member(5, statement.RolesReader)),
		w.root.say(&statement.Revoke{Cuts: []statement.Cut{cut(k, mine)}}), a.say(&statement.Policy{Serial: 3, Pad: true}), w.root.say(&statement.Policy{Serial: 3, HideFolders: true}),
	}, []int{1, 2, 5}, func(t *testing.T, st *State) {
		if !st.Policy.Pad || !st.Policy.HideFolders {
			t.Errorf("%+v", st.Policy)
		}
	}}
}
