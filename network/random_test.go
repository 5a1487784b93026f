package network

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/p2pchord/p2pchord/network/statement"
)

// randomStatements is a network with three admins, invitations, forks, and revocations.
func randomStatements(w *world, r *rand.Rand, n int) []*statement.Statement {
	w.t.Helper()
	var all []*statement.Statement
	issuers := []*author{w.root}
	say := func(a *author, c statement.Content) {
		if r.IntN(12) == 0 {
			all = append(all, a.instead(c))
			return
		}
		all = append(all, a.say(c))
	}
	for i := range byte(3) {
		a := w.author(2 + i)
		say(w.root, administrator(i, a))
		issuers = append(issuers, a)
	}
	for len(all) < n {
		a := issuers[r.IntN(len(issuers))]
		p := byte(r.IntN(12))
		switch r.IntN(6) {
		case 0, 1:
			g := member(p, statement.Roles(1+r.IntN(15)))
			g.Serial = uint32(r.IntN(3))
			say(a, g)
		case 2:
			k := w.author(byte(20 + len(all)))
			i := invite(k, statement.RolesMember)
			say(a, i)
			for range r.IntN(3) {
				all = append(all, k.instead(w.join(byte(r.IntN(12)), i, k)))
			}
		case 3:
			rev := &statement.Revoke{Peer: peerOf(p)}
			for _, other := range issuers[1:] {
				if r.IntN(2) == 0 {
					rev.Cuts = append(rev.Cuts, cut(other, other.last))
				}
			}
			say(a, rev)
		case 4:
			other := issuers[r.IntN(len(issuers))]
			say(a, &statement.Revoke{Cuts: []statement.Cut{cut(other, other.last)}})
		case 5:
			say(a, &statement.Policy{Serial: uint32(r.IntN(3)), CarefulDays: r.Uint32N(9), Closed: r.IntN(2) == 0})
		}
	}
	return all
}

// Random networks: one state for any order, sets that exchange agree, and what a statement of the
// root changes.
func TestRandomNetworks(t *testing.T) {
	t.Parallel()
	seeds := uint64(200)
	if testing.Short() {
		seeds = 20
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 0))
		w := newWorld(t)
		all := randomStatements(w, r, 12+r.IntN(30))
		want := setOf(t, w.genesis, all...)
		state := want.State()
		a, b := must(NewSet(w.genesis))(t), must(NewSet(w.genesis))(t)
		for range 5 {
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			s := setOf(t, w.genesis, all...)
			if !reflect.DeepEqual(s.State(), state) && s.Digest() == want.Digest() {
				t.Fatalf("seed %d: equal digests, different states", seed)
			}
			if !reflect.DeepEqual(s.State(), state) {
				exchange(t, s, want)
				if state = want.State(); !reflect.DeepEqual(s.State(), state) {
					t.Fatalf("seed %d: different states", seed)
				}
			}
			half := r.IntN(len(all))
			if _, err := a.AddAll(all[:half]); err != nil {
				t.Fatal(err)
			}
			if _, err := b.AddAll(all[half:]); err != nil {
				t.Fatal(err)
			}
			exchange(t, a, b)
			if !reflect.DeepEqual(a.State(), b.State()) {
				t.Fatalf("seed %d: different states after an exchange", seed)
			}
		}
		checkRoot(t, w, want, seed)
	}
}

// checkRoot: what the root says takes effect, and changes nothing else.
func checkRoot(t *testing.T, w *world, s *Set, seed uint64) {
	t.Helper()
	if s.Proof(w.root.public(), w.root.last.Seq()+1) != nil || slices.ContainsFunc(s.State().Forks, func(f Fork) bool { return f.Issuer == w.root.public() }) {
		return // the root's history forks, or would: nothing that it adds counts
	}
	before := s.State()
	if _, err := s.Add(w.root.say(member(50, statement.RolesReader))); err != nil {
		t.Fatal(err)
	}
	after := s.State()
	if _, in := after.Members[peerOf(50)]; !in {
		t.Errorf("seed %d: the root's grant has no effect", seed)
	}
	delete(after.Members, peerOf(50))
	if !reflect.DeepEqual(before.Members, after.Members) || !reflect.DeepEqual(before.Revoked, after.Revoked) {
		t.Errorf("seed %d: a grant changes other members", seed)
	}
	// A revocation of a peer that is no admin takes out this peer, and nobody else.
	for n := byte(3); n < 12; n++ {
		before = s.State()
		if _, err := s.Add(w.root.say(&statement.Revoke{Peer: peerOf(n)})); err != nil {
			t.Fatal(err)
		}
		after = s.State()
		if _, in := after.Members[peerOf(n)]; in || after.Revoked[peerOf(n)] == nil {
			t.Errorf("seed %d: a revoked peer is in", seed)
		}
		delete(before.Members, peerOf(n))
		if !reflect.DeepEqual(before.Members, after.Members) {
			t.Errorf("seed %d: a revocation changes other members", seed)
		}
	}
	// Cutting off all that an admin has issued leaves nothing of it.
	a := w.author(2)
	if _, err := s.Add(w.root.say(&statement.Revoke{Cuts: []statement.Cut{cut(a, nil)}})); err != nil {
		t.Fatal(err)
	}
	for _, m := range s.State().Members {
		for _, id := range m.Grants {
			if s.Get(id).Issuer() == a.public() {
				t.Errorf("seed %d: a grant of an issuer that is cut off counts", seed)
			}
		}
	}
}
