package membership

import (
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

func TestNewPlace(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		place := NewPlace()
		if a, err := signed.ParseRingAddress(place); err != nil || a.String() != place || seen[place] {
			t.Fatalf("%q: %v", place, err)
		}
		seen[place] = true
	}
}

// A member's place is that of its grant, for as long as it may be in the ring.
func TestPlaceComesFromTheGrant(t *testing.T) {
	t.Parallel()
	n, _, _ := home(t)
	now := noon
	r := Ring{n, func() time.Time { return now }}
	ring := signed.Ring{Members: r}
	if _, ok := ring.Place(n.Self()); !ok || ring.Network() != n.ID() {
		t.Error("the first admin has no place")
	}
	stores, reads, gone, ends := follower(t, n), follower(t, n), follower(t, n), follower(t, n)
	grantTo(t, n, stores, statement.RolesStorage)
	grantTo(t, n, reads, statement.RolesReader)
	grantTo(t, n, gone, statement.RolesMember)
	until := statement.Grant{Peer: statement.Peer(ends.Self()), Roles: statement.RolesMember, NotAfterMS: millis(noon.Add(time.Hour))}
	if err := n.Grant(until, noon); err != nil {
		t.Fatal(err)
	}
	if _, ok := ring.Place(gone.Self()); !ok {
		t.Error("a member has no place before it is revoked")
	}
	if err := n.Revoke(gone.Self(), 0, "", noon); err != nil {
		t.Fatal(err)
	}
	place, ok := ring.Place(stores.Self())
	if !ok {
		t.Error("a storage peer has no place")
	}
	if _, ok := ring.Place(ends.Self()); !ok {
		t.Error("a member has no place that is given none expressly")
	}
	now = noon.Add(2 * time.Hour)
	for name, id := range map[string]peer.ID{"a reader": reads.Self(), "a revoked member": gone.Self(), "a member whose grant has ended": ends.Self(), "a stranger": "nobody"} {
		if at, ok := ring.Place(id); ok {
			t.Errorf("%s has the place %s", name, at)
		}
	}
	// Another label doesn't move it, nor do other roles.
	if err := n.Rename(stores.Self(), "box", noon); err != nil {
		t.Fatal(err)
	}
	if err := n.Grant(statement.Grant{Peer: statement.Peer(stores.Self()), Roles: statement.RolesMember}, noon); err != nil {
		t.Fatal(err)
	}
	if again, ok := ring.Place(stores.Self()); !ok || again != place {
		t.Errorf("it has moved from %s to %s", place, again)
	}
	for name, c := range map[string]struct {
		id          peer.ID
		may, counts bool
	}{
		"an admin": {n.Self(), true, true}, "a member that once stored only": {stores.Self(), true, true}, "a reader": {reads.Self(), false, false},
		"a revoked member": {gone.Self(), false, false}, "a member whose grant has ended": {ends.Self(), false, false},
	} {
		if may, counts := r.MayWrite(c.id), r.CountsRecord(c.id, now); may != c.may || counts != c.counts {
			t.Errorf("%s: may write %t, its records count %t", name, may, counts)
		}
	}
	if !r.CountsRecord(gone.Self(), noon) || !r.EverWrote(gone.Self()) || r.EverWrote(reads.Self()) {
		t.Error("what a revoked member wrote before doesn't count")
	}
}
