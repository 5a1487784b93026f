package network

import (
	"reflect"
	"slices"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network/statement"
)

// exchange lets two sets give each other what the other lacks, until their digests are equal. It
// fails after a few rounds.
func exchange(t *testing.T, a, b *Set) {
	t.Helper()
	for range 4 {
		if a.Digest() == b.Digest() {
			return
		}
		toA, toB := b.Lacks(a.Heads()), a.Lacks(b.Heads())
		if _, err := a.AddAll(toA); err != nil {
			t.Fatal(err)
		}
		if _, err := b.AddAll(toB); err != nil {
			t.Fatal(err)
		}
	}
	if a.Digest() != b.Digest() {
		t.Fatalf("the digests differ: %+v, %+v", a.Digest(), b.Digest())
	}
}

// Sets that have different parts of a network agree after an exchange, whatever they are.
func TestExchange(t *testing.T) {
	t.Parallel()
	for n, sc := range scenarios(t) {
		genesis := newWorld(t).genesis
		want := setOf(t, genesis, sc.statements...)
		for part := range uint(256) {
			a, b := must(NewSet(genesis))(t), must(NewSet(genesis))(t)
			for i, st := range sc.statements {
				s := b
				if part>>i&1 == 1 {
					s = a
				}
				if _, err := s.Add(st); err != nil {
					t.Fatal(err)
				}
			}
			if a.Len()+len(a.waiting)+b.Len()+len(b.waiting) != 8+2 {
				t.Fatalf("%d: statements are lost", n)
			}
			// Whoever has sent them sends them again.
			for _, st := range slices.Concat(a.waiting, b.waiting) {
				for _, s := range []*Set{a, b} {
					if _, err := s.Add(st); err != nil {
						t.Fatal(err)
					}
				}
			}
			exchange(t, a, b)
			if !reflect.DeepEqual(a.State(), want.State()) || !reflect.DeepEqual(b.State(), want.State()) {
				t.Fatalf("%s, part %08b: another state", sc.name, part)
			}
		}
	}
}

// A set sends only what the other lacks.
func TestLacksIsExact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.author(2)
	all := []*statement.Statement{w.root.say(administrator(1, a))}
	for n := range byte(20) {
		all = append(all, a.say(member(n+2, statement.RolesReader)))
	}
	have := setOf(t, w.genesis, all...)
	for n := range len(all) + 1 {
		less := setOf(t, w.genesis, all[:n]...)
		if got := have.Lacks(less.Heads()); !slices.EqualFunc(got, all[n:], func(a, b *statement.Statement) bool { return a.ID() == b.ID() }) {
			t.Errorf("it has %d, and is sent %d", n, len(got))
		}
		if got := less.Lacks(have.Heads()); len(got) != 0 {
			t.Errorf("it has %d, and sends %d", n, len(got))
		}
	}
	again := must(NewSet(w.genesis))(t)
	for _, st := range have.All()[1:] {
		if outcome, err := again.Add(st); outcome != Added || err != nil {
			t.Errorf("%d, %v", outcome, err)
		}
	}
}

// Strangers have the buffer only; the holder of an invitation has room for two statements.
func TestStrangersAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, k := w.author(2), w.author(3)
	i := invite(k, statement.RolesReader)
	s := setOf(t, w.genesis, w.root.say(administrator(1, a)), a.say(i))
	before := s.Len()
	for n := range byte(60) {
		x := w.author(60 + n)
		for range 8 {
			if outcome, err := s.Add(x.say(member(n, statement.RolesReader))); outcome != Waiting || err != nil {
				t.Fatalf("%d, %v", outcome, err)
			}
		}
	}
	if s.Len() != before || len(s.waiting) != maxWaiting {
		t.Errorf("%d statements, %d wait", s.Len(), len(s.waiting))
	}
	for n := range byte(50) {
		if _, err := s.Add(k.instead(w.join(n, i, k))); err != nil {
			t.Fatal(err)
		}
	}
	if s.Len() != before+maxAlternatives {
		t.Errorf("%d statements by an invitation", s.Len()-before)
	}
	size := 0
	for _, st := range s.waiting {
		size += st.Size()
	}
	if size > maxWaitingBytes {
		t.Errorf("%d bytes wait", size)
	}
}

// A full set takes what the root says, and nobody else.
func TestFullSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.author(2)
	s := setOf(t, w.genesis, w.root.say(administrator(1, a)))
	s.size = statement.MaxTotal - rootBytes // as if it had so many
	if _, err := s.Add(a.say(member(2, statement.RolesReader))); fault.CodeOf(err) != fault.NoSpace {
		t.Errorf("%v", err)
	}
	if _, err := s.Add(w.root.say(&statement.Revoke{Peer: peerOf(1)})); err != nil {
		t.Error(err)
	}
	s.size = statement.MaxTotal
	if _, err := s.Add(w.root.say(member(3, statement.RolesReader))); fault.CodeOf(err) != fault.NoSpace {
		t.Errorf("%v", err)
	}
}

func TestOtherNetworksAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := must(statement.New(seeded(9), statement.Header{Seq: 1}, &statement.Genesis{Name: "other"}))(t)
	s := must(NewSet(w.genesis))(t)
	if _, err := s.Add(other); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("%v", err)
	}
	if _, err := NewSet(w.root.say(member(1, statement.RolesReader))); fault.CodeOf(err) != fault.Integrity {
		t.Errorf("%v", err)
	}
}

// A statement that names another one before it than is there doesn't count.
func TestBrokenLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.author(2)
	thief := &author{t: t, key: a.key, network: a.network}
	thief.say(member(9, statement.RolesReader))
	s := setOf(t, w.genesis, w.root.say(administrator(1, a)), a.say(member(2, statement.RolesReader)), thief.say(member(3, statement.RolesReader)))
	if got := members(s.State()); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("the members are %v", got)
	}
}

// An admin can't choose a branch of a fork.
func TestAdminsChooseNoBranch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.author(2), w.author(3)
	s := setOf(t, w.genesis, w.root.say(administrator(1, a)), w.root.say(administrator(2, b)), a.instead(member(3, statement.RolesReader)))
	kept := a.say(member(4, statement.RolesReader))
	if _, err := s.AddAll([]*statement.Statement{kept, b.say(&statement.Revoke{Cuts: []statement.Cut{cut(a, kept)}})}); err != nil {
		t.Fatal(err)
	}
	if got := members(s.State()); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("the members are %v", got)
	}
}

// A thief forges many alternatives of an admin's history. Peers keep different ones, and agree all
// the same; once the root names the good branch all of them get it.
func TestManyAlternatives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.author(2)
	common := w.root.say(administrator(1, a))
	var good []*statement.Statement
	for n := range byte(8) {
		good = append(good, a.say(member(n+2, statement.RolesReader)))
	}
	old, fresh := setOf(t, w.genesis, append(good, common)...), setOf(t, w.genesis, common)
	for n := range byte(6) { // six branches of three
		thief := &author{t: t, key: a.key, network: a.network}
		for m := range byte(3) {
			st := thief.say(member(20+3*n+m, statement.RolesReader))
			if _, err := fresh.Add(st); err != nil {
				t.Fatal(err)
			}
			if m == 0 || n == 5 {
				if _, err := old.Add(st); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	exchange(t, old, fresh)
	if got := members(fresh.State()); !slices.Equal(got, []int{1}) || !reflect.DeepEqual(old.State(), fresh.State()) {
		t.Errorf("the members are %v", got)
	}
	if got := len(fresh.Proof(a.public(), 1)); got != maxAlternatives {
		t.Errorf("%d statements are proof of the fork", got)
	}
	if _, err := fresh.Add(w.root.say(&statement.Revoke{Cuts: []statement.Cut{cut(a, good[7])}})); err != nil {
		t.Fatal(err)
	}
	exchange(t, old, fresh)
	if got := members(fresh.State()); !slices.Equal(got, []int{1, 2, 3, 4, 5, 6, 7, 8, 9}) || !reflect.DeepEqual(old.State(), fresh.State()) {
		t.Errorf("the members are %v", got)
	}
}

func TestAttachments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := must(NewSet(w.genesis))(t)
	var withKeys []*statement.Statement
	for epoch := range uint32(4) {
		attachment := []byte{byte(epoch)}
		st := w.root.say(statement.NewKeys([statement.VaultSize]byte{}, epoch+1, attachment))
		if outcome, err := s.Add(st); outcome != Added || err != nil {
			t.Fatal(err)
		}
		withKeys = append(withKeys, must(st.WithAttachment(attachment))(t))
	}
	digest, latest := s.Digest(), s.State().LatestKeys()
	if want := []statement.ID{withKeys[3].ID(), withKeys[2].ID()}; !slices.Equal(latest, want) || !slices.Equal(s.Attachments(latest), want) {
		t.Errorf("%v, want %v", latest, want)
	}
	for _, st := range withKeys {
		if outcome, err := s.Add(st); outcome != Added || err != nil {
			t.Errorf("%d, %v", outcome, err)
		}
		if outcome, err := s.Add(st); outcome != Known || err != nil {
			t.Errorf("%d, %v", outcome, err)
		}
	}
	s.DropAttachments(latest)
	if s.attached != 2 || s.Digest() != digest || s.Get(withKeys[0].ID()).Attachment() != nil || len(s.Attachments(latest)) != 0 {
		t.Errorf("%d bytes", s.attached)
	}
}

// What each role may do.
func TestAllow(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]Operation{
		"reader":  {FindPeers, ReadFiles, ReceiveKeys},
		"client":  {FindPeers, ReadFiles, ReceiveKeys, WriteFiles},
		"storage": {FindPeers, EnterRing, HoldCopies, RegisterSelf},
		"relay":   {FindPeers, RegisterSelf, RelayPeers},
		"member":  {FindPeers, ReadFiles, ReceiveKeys, WriteFiles, EnterRing, HoldCopies, RegisterSelf, IssueTickets},
		"admin":   {FindPeers, ReadFiles, ReceiveKeys, WriteFiles, EnterRing, HoldCopies, RegisterSelf, RelayPeers, IssueTickets, IssueStatements},
	} {
		roles, _ := statement.ParseRoles(name)
		for op := FindPeers; op <= IssueStatements; op++ {
			if got := Allow(roles, op); got != slices.Contains(want, op) {
				t.Errorf("%s, operation %d: %v", name, op, got)
			}
		}
	}
	guest := Member{Roles: statement.RolesAdmin, NarrowedTo: make([]byte, 32)}
	if !guest.May(ReadFiles, 0) || guest.May(WriteFiles, 0) || guest.May(ReceiveKeys, 0) {
		t.Error("a guest may do more than read")
	}
	if Allow(statement.RolesAdmin, IssueStatements+1) || Allow(0, FindPeers) {
		t.Error("what is not in the table is allowed")
	}
}
