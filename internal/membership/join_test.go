package membership

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/network/invitation"
	"github.com/p2pchord/p2pchord/network/statement"
)

// newcomer is a machine with a code.
type newcomer struct {
	*Joining
	dir string
	id  crypto.PrivKey
}

func join(t testing.TB, s invitation.Secret, id statement.NetworkID) newcomer {
	t.Helper()
	c := newcomer{dir: t.TempDir(), id: identity(t)}
	var err error
	if c.Joining, err = Join(c.dir, c.id, s, id, Label{}); err != nil {
		t.Fatal(err)
	}
	return c
}

func invite(t testing.TB, n *Network, terms Terms) invitation.Secret {
	t.Helper()
	if terms.Until.IsZero() {
		terms.Until = noon.Add(time.Hour)
	}
	s, err := n.Invite(terms, noon)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// through carries out both requests at a member.
func (c newcomer) through(t testing.TB, n *Network, now time.Time) (*Network, error) {
	t.Helper()
	hint, proof := c.Ask(n.Self())
	offer, err := n.Offer(c.Self(), hint, proof, now)
	if err != nil {
		return nil, err
	}
	grant, err := c.Accept(offer, now)
	if err != nil {
		return nil, err
	}
	statements, err := n.Admit(c.Self(), grant, now)
	if err != nil {
		return nil, err
	}
	return c.Complete(statements, []string{"/ip4/192.0.2.1/tcp/4700"}, now)
}

func TestJoining(t *testing.T) {
	t.Parallel()
	for _, roles := range []statement.Roles{statement.RolesMember, statement.RolesClient, statement.RolesAdmin, statement.RolesRelay} {
		n, _, _ := home(t)
		s := invite(t, n, Terms{Roles: roles, Label: "laptop"})
		c := join(t, s, n.ID())
		joined, err := c.through(t, n, noon)
		if err != nil {
			t.Fatal(err)
		}
		if m, ok := n.Member(c.Self()); !ok || m.Roles != roles || m.Label != "laptop" || (m.Place != "") != roles.Has(statement.Store) {
			t.Errorf("%+v, %v", m, ok)
		}
		if joined.Digest() != n.Digest() || len(joined.Chain()) != 4 {
			t.Errorf("the chain has %d statements", len(joined.Chain()))
		}
		if _, err := joined.Issue(&statement.Policy{Serial: 5}, noon); (err == nil) != roles.Has(statement.Admin) {
			t.Errorf("%s issues: %v", roles, err)
		}
		again, err := Open(c.dir, c.id)
		if err != nil || again.Digest() != joined.Digest() {
			t.Errorf("after a restart: %v", err)
		}
		if addrs, err := again.Addresses(); err != nil || len(addrs) != 1 {
			t.Errorf("%v, %v", addrs, err)
		}
		if _, err := Join(c.dir, c.id, s, n.ID(), Label{}); fault.CodeOf(err) != fault.NotAllowed {
			t.Errorf("it joins again: %v", err)
		}
		if _, err := os.Stat(again.file(joiningName)); err == nil {
			t.Error("the file of joining is still there")
		}
	}
}

func TestCodesThatLetNobodyIn(t *testing.T) {
	t.Parallel()
	n, _, _ := home(t)
	expired := invite(t, n, Terms{Roles: statement.RolesMember})
	withdrawn := invite(t, n, Terms{Roles: statement.RolesMember})
	if err := n.Withdraw(withdrawn.Public(), noon); err != nil {
		t.Fatal(err)
	}
	usedUp := invite(t, n, Terms{Roles: statement.RolesMember})
	if _, err := join(t, usedUp, n.ID()).through(t, n, noon); err != nil {
		t.Fatal(err)
	}
	before := n.Digest()
	for _, c := range []struct {
		why  string
		s    invitation.Secret
		now  time.Time
		code fault.Code
	}{
		{"expired", expired, noon.Add(2 * time.Hour), fault.NotAllowed},
		{"withdrawn", withdrawn, noon, fault.NotAllowed},
		{"used already", usedUp, noon, fault.NotAllowed},
		{"no such", invitation.Secret{1}, noon, fault.NotFound},
	} {
		_, err := join(t, c.s, n.ID()).through(t, n, c.now)
		if err == nil || !strings.Contains(err.Error(), c.why) || fault.CodeOf(err) != c.code {
			t.Errorf("want %q: %v", c.why, err)
		}
	}
	if n.Digest() != before {
		t.Error("something was added")
	}
}

// A machine that heard no answer asks again, with the same grant.
func TestJoiningIsRepeated(t *testing.T) {
	t.Parallel()
	n, _, _ := home(t)
	s := invite(t, n, Terms{Roles: statement.RolesMember})
	c := join(t, s, n.ID())
	hint, proof := c.Ask(n.Self())
	offer, err := n.Offer(c.Self(), hint, proof, noon)
	if err != nil {
		t.Fatal(err)
	}
	grant, err := c.Accept(offer, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Admit(c.Self(), grant, noon); err != nil {
		t.Fatal(err)
	}
	if c.Joining, err = Join(c.dir, c.id, s, statement.NetworkID{}, Label{Chosen: "other"}); err != nil {
		t.Fatal(err)
	}
	if again, err := c.Accept(offer, noon.Add(time.Minute)); err != nil || !bytes.Equal(again, grant) {
		t.Errorf("another grant: %v", err)
	}
	if _, err := c.through(t, n, noon.Add(3*time.Hour)); err != nil {
		t.Error(err)
	}
}

// Used at two members at once, a code lets in neither machine, and everybody sees it.
func TestACodeThatIsUsedTwice(t *testing.T) {
	t.Parallel()
	n, _, _ := home(t)
	b := follower(t, n)
	s := invite(t, n, Terms{Roles: statement.RolesMember})
	exchange(t, n, b)
	first, second := join(t, s, n.ID()), join(t, s, n.ID())
	joined, err := first.through(t, n, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.through(t, b, noon); err != nil {
		t.Fatal(err)
	}
	exchange(t, n, b)
	exchange(t, n, joined)
	for _, m := range []*Network{n, b, joined} {
		if _, ok := m.Member(first.Self()); ok {
			t.Error("the first is in")
		}
		if _, ok := m.Member(second.Self()); ok {
			t.Error("the second is in")
		}
		if len(m.State().Forks) != 1 || m.State().Invites[0].Use != network.UsedTwice {
			t.Errorf("%+v", m.State())
		}
	}
	if _, err := join(t, s, n.ID()).through(t, n, noon); fault.CodeOf(err) != fault.NotAllowed || !strings.Contains(err.Error(), "two machines") {
		t.Errorf("%v", err)
	}
}

// Whoever doesn't know the secret can't pass off another network.
func TestAnotherNetworkIsNotSlippedIn(t *testing.T) {
	t.Parallel()
	n, _, _ := home(t)
	evil, _, _ := home(t)
	s := invite(t, n, Terms{Roles: statement.RolesMember})
	honest := join(t, s, n.ID())
	hint, proof := honest.Ask(n.Self())
	real, err := n.Offer(honest.Self(), hint, proof, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Offer(evil.Self(), hint, proof, noon); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("somebody else's proof is taken: %v", err)
	}
	st, err := statement.Parse(real[1])
	if err != nil {
		t.Fatal(err)
	}
	copied := *st.Content().(*statement.Invite) //nolint:forcetypeassert // it is an Invite
	mine, err := evil.Issue(&copied, noon)
	if err != nil {
		t.Fatal(err)
	}
	genesis := evil.Missing(nil)[0]
	for _, id := range []statement.NetworkID{{}, n.ID()} {
		for name, offer := range map[string][][]byte{
			"its copy of the invitation": {genesis, mine.Encode(false)},
			"the invitation itself":      {genesis, real[1]},
			"its own":                    {genesis, genesis},
			"nothing":                    nil,
		} {
			c := join(t, s, id)
			if _, err := c.Accept(offer, noon); err == nil {
				t.Errorf("%s is accepted", name)
			}
			if _, err := os.Stat(c.n.file(joiningName)); err == nil {
				t.Errorf("%s: something was signed", name)
			}
		}
	}
	c := join(t, s, n.ID())
	if _, err := c.Accept(real, noon); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Complete(evil.Missing(nil), nil, noon); fault.CodeOf(err) != fault.Integrity {
		t.Errorf("its statements: %v", err)
	}
	if _, err := c.Complete(n.Missing(nil), nil, noon); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("statements without the grant: %v", err)
	}
	if Exists(c.dir) {
		t.Error("it has a network")
	}
}

// A grant by an invitation that has expired is taken from members only.
func TestLateGrants(t *testing.T) {
	t.Parallel()
	n, _, _ := home(t)
	b := follower(t, n)
	s := invite(t, n, Terms{Roles: statement.RolesMember})
	c := join(t, s, n.ID())
	exchange(t, n, b)
	if _, err := c.through(t, n, noon); err != nil {
		t.Fatal(err)
	}
	late := noon.Add(2 * time.Hour)
	if added, err := b.AddUntrusted(n.Missing(b.Heads()), late); added != 0 || fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("from a stranger: %d, %v", added, err)
	}
	if added, err := b.AddUntrusted(n.Missing(b.Heads()), noon); added != 1 || err != nil {
		t.Errorf("in time: %d, %v", added, err)
	}
	if added, err := follower(t, n).AddUntrusted(n.Missing(nil), noon); added != 5 || err != nil {
		t.Errorf("everything: %d, %v", added, err)
	}
}
