package network

import (
	"testing"

	"github.com/p2pchord/p2pchord/network/statement"
)

func rootRecovered(w *world) scenario {
	a, b, fresh := w.author(2), w.author(3), w.author(4)
	good := w.root.say(administrator(1, a))
	return scenario{"the root is lost and replaced", []*statement.Statement{
		good, a.say(member(2, statement.RolesMember)),
		w.root.say(member(9, statement.RolesMember)), w.root.say(&statement.Revoke{Peer: peerOf(2)}),
		fresh.say(w.order(fresh, 1, []byte{0, 2}, cut(w.root, good))), fresh.say(administrator(3, b)), b.say(member(4, statement.RolesMember)),
		// One recovery key is not enough.
		w.author(5).say(w.order(w.author(5), 2, []byte{1})),
	}, []int{1, 2, 3, 4}, func(t *testing.T, st *State) {
		if st.Root != fresh.public() || st.Generation != 1 {
			t.Errorf("the root is %v", st.Root)
		}
	}}
}

func rootContested(w *world) scenario {
	a, one, two := w.author(2), w.author(4), w.author(5)
	good := w.root.say(administrator(1, a))
	first, more := a.say(member(2, statement.RolesMember)), w.root.say(member(3, statement.RolesMember))
	return scenario{"two orders of one generation", []*statement.Statement{
		good, first, more, w.root.say(member(9, statement.RolesMember)),
		one.say(w.order(one, 1, []byte{0, 1}, cut(w.root, more))), one.say(member(4, statement.RolesMember)),
		two.say(w.order(two, 1, []byte{1, 2}, cut(w.root, good))), two.say(member(5, statement.RolesMember)),
	}, []int{1, 2}, func(t *testing.T, st *State) {
		if !st.Root.IsZero() || st.Generation != 1 {
			t.Errorf("the root is %v", st.Root)
		}
	}}
}

func rootSettled(w *world) scenario {
	a, one, two, three := w.author(2), w.author(4), w.author(5), w.author(6)
	good := w.root.say(administrator(1, a))
	first := one.say(w.order(one, 1, []byte{0, 1}, cut(w.root, good)))
	kept := one.say(member(4, statement.RolesMember))
	return scenario{"the next generation settles it", []*statement.Statement{
		good, a.say(member(2, statement.RolesMember)), first, kept, one.say(member(7, statement.RolesMember)), two.say(w.order(two, 1, []byte{1, 2})),
		three.say(w.order(three, 2, []byte{0, 2}, cut(w.root, good), cut(one, kept))), three.say(member(6, statement.RolesMember)),
	}, []int{1, 2, 4, 6}, func(t *testing.T, st *State) {
		if st.Root != three.public() {
			t.Errorf("the root is %v", st.Root)
		}
	}}
}

// A revokes B, B revokes C, C revokes A: all are out, and what they granted before stays.
func cycleOfThree(w *world) scenario {
	a, b, c := w.author(2), w.author(3), w.author(4)
	s := scenario{"three admins revoke each other in a circle", []*statement.Statement{
		w.root.say(administrator(1, a)), w.root.say(administrator(2, b)), w.root.say(administrator(3, c)),
	}, []int{5}, nil}
	good := a.say(member(5, statement.RolesMember))
	s.statements = append(
		s.statements, good, a.say(&statement.Revoke{Peer: peerOf(2)}), b.say(&statement.Revoke{Peer: peerOf(3)}),
		c.say(&statement.Revoke{Peer: peerOf(1), Cuts: []statement.Cut{cut(a, good)}}), a.say(member(6, statement.RolesMember)),
	)
	return s
}

// Invitations that are used for more than they permit, and statements of nobody.
func tooMuch(w *world) scenario {
	a, k, l, m, nobody := w.author(2), w.author(3), w.author(4), w.author(5), w.author(6)
	i, j, n := invite(k, statement.RolesReader), invite(l, statement.RolesMember), invite(m, statement.RolesReader)
	moved := w.join(3, j, l)
	moved.Place = "chosen"
	bare := w.join(4, n, m)
	bare.Consent = nil
	more := w.join(2, i, k)
	more.Roles = statement.RolesClient
	return scenario{"invitations that are used for more", []*statement.Statement{
		w.root.say(administrator(1, a)), a.say(i), a.say(j), a.say(n), k.say(more), l.say(moved), m.say(bare), nobody.say(member(5, statement.RolesReader)),
	}, []int{1}, nil}
}

// A grant by an invitation doesn't replace that of an admin, and equals give what both give.
func demoted(w *world) scenario {
	a, b, k := w.author(2), w.author(3), w.author(4)
	i := invite(k, statement.RolesMember)
	g := w.join(3, i, k)
	g.Serial = 1 << 30
	less, other := member(4, statement.RolesReader), member(4, statement.RolesMember)
	less.Serial, other.Serial, less.NotAfterMS = 5, 5, 77
	return scenario{"grants of one peer", []*statement.Statement{
		w.root.say(administrator(1, a)), w.root.say(administrator(2, b)), a.say(i), k.say(g), b.say(member(3, statement.RolesReader)),
		a.say(less), b.say(other), b.say(member(4, statement.RolesAdmin&^statement.Admin)),
	}, []int{1, 2, 3, 4}, func(t *testing.T, st *State) {
		if got := st.Members[peerOf(3)]; got.Roles != statement.RolesReader {
			t.Errorf("%+v", got)
		}
		if got := st.Members[peerOf(4)]; got.Roles != statement.RolesReader || got.NotAfterMS != 77 || len(got.Grants) != 2 {
			t.Errorf("%+v", got)
		}
	}}
}
