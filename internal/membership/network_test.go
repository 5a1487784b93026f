package membership

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/network/statement"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func identity(t testing.TB) crypto.PrivKey {
	t.Helper()
	k, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// home is a new network, and the folder and identity of its first admin.
func home(t testing.TB) (n *Network, dir string, id crypto.PrivKey) {
	t.Helper()
	dir, id = t.TempDir(), identity(t)
	n, err := Create(dir, id, Founding{Name: "home", Label: "first"}, noon)
	if err != nil {
		t.Fatal(err)
	}
	return n, dir, id
}

// follower is another machine that knows the network's ID.
func follower(t testing.TB, n *Network) *Network {
	t.Helper()
	f, err := Follow(t.TempDir(), identity(t), n.ID())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func grantTo(t testing.TB, n *Network, to *Network, roles statement.Roles) {
	t.Helper()
	g := statement.Grant{Peer: statement.Peer(to.Self()), Roles: roles, Label: "b", SealKey: to.SealKey().PublicKey().Bytes()}
	if roles.Has(statement.Store) {
		g.Place = NewPlace()
	}
	if roles.Has(statement.Admin) {
		g.StatementKey = statement.KeyOf(to.keys.Load().statement)
	}
	if err := n.Grant(g, noon); err != nil {
		t.Fatal(err)
	}
}

// exchange gives both what the other lacks.
func exchange(t testing.TB, a, b *Network) {
	t.Helper()
	for range 2 {
		for _, pair := range [][2]*Network{{a, b}, {b, a}} {
			if _, err := pair[1].Add(pair[0].Missing(pair[1].Heads())); err != nil {
				t.Fatal(err)
			}
		}
	}
	if a.Digest() != b.Digest() {
		t.Fatalf("the digests differ: %v, %v", a.Digest(), b.Digest())
	}
}

func TestNetworksOutliveARestart(t *testing.T) {
	t.Parallel()
	n, dir, id := home(t)
	if roles, ok := n.Roles(n.Self(), noon); !ok || roles != statement.RolesAdmin {
		t.Errorf("the founder's roles are %v, %v", roles, ok)
	}
	again, err := Open(dir, id)
	if err != nil {
		t.Fatal(err)
	}
	if again.ID() != n.ID() || again.Name() != "home" || again.Digest() != n.Digest() || !again.HasRoot() || !again.Closed(noon) {
		t.Errorf("%v %q %v", again.ID(), again.Name(), again.Digest())
	}
	a, aerr := again.SealKey().Bytes()
	b, berr := n.SealKey().Bytes()
	if aerr != nil || berr != nil || !bytes.Equal(a, b) {
		t.Error("another seal key")
	}
	if _, err := Create(dir, id, Founding{Name: "second"}, noon); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("a second network: %v", err)
	}
	if _, err := Follow(dir, id, statement.NetworkID{1}); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("another network: %v", err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for _, name := range []string{idName, statementsName, keysName} {
		st, err := os.Stat(filepath.Join(dir, folderName, name))
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, st, err)
		}
	}
}

func TestFoldersWithoutANetwork(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := Open(dir, identity(t)); err != ErrNone { //nolint:errorlint // it is returned as it is
		t.Errorf("%v", err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 || Exists(dir) {
		t.Errorf("%v, %v: nothing should be made", names, err)
	}
	rsa, _, err := crypto.GenerateRSAKeyPair(2048, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(dir, rsa, Founding{Name: "x"}, noon); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("an RSA identity: %v", err)
	}
}

// A peer that knows the ID alone learns the rest from any member, and from nobody else.
func TestFollowersLearnTheirNetwork(t *testing.T) {
	t.Parallel()
	n, _, _ := home(t)
	other, _, _ := home(t)
	f := follower(t, n)
	if f.State() != nil || !f.Closed(noon) || f.Chain() != nil || len(f.Heads()) != 0 {
		t.Error("it knows more than the ID")
	}
	if added, err := f.Add(other.Missing(nil)); added != 0 || err != nil {
		t.Errorf("another network's: %d, %v", added, err)
	}
	changes := 0
	defer f.Subscribe(func() { changes++; _ = f.Heads() })()
	exchange(t, n, f)
	if f.Name() != "home" || changes != 1 {
		t.Errorf("%q after %d changes", f.Name(), changes)
	}
	if added, err := f.Add(n.Missing(nil)); added != 0 || err != nil || changes != 1 {
		t.Errorf("the same again: %d, %v", added, err)
	}
	if _, err := f.Issue(&statement.Policy{Serial: 9}, noon); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("it issues: %v", err)
	}
}

func TestGrantsAndRevocations(t *testing.T) {
	t.Parallel()
	n, dir, id := home(t)
	b := follower(t, n)
	grantTo(t, n, b, statement.RolesAdmin)
	exchange(t, n, b)
	if !b.May(b.Self(), network.IssueStatements, noon) {
		t.Error("b is no admin")
	}
	c := follower(t, n)
	grantTo(t, b, c, statement.RolesClient)
	if err := b.Rename(c.Self(), "phone", noon); err != nil {
		t.Fatal(err)
	}
	exchange(t, n, b)
	if m, ok := n.Member(c.Self()); !ok || m.Label != "phone" || m.Roles != statement.RolesClient {
		t.Errorf("%+v, %v", m, ok)
	}
	if err := n.Revoke(b.Self(), 0, "left", noon); err != nil {
		t.Fatal(err)
	}
	if !n.Revoked(b.Self()) || n.May(b.Self(), network.ReadFiles, noon) {
		t.Error("b is still in")
	}
	if _, ok := n.Member(c.Self()); !ok {
		t.Error("what b granted before no longer counts")
	}
	if err := n.Revoke(b.Self(), 0, "", noon); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("revoked twice: %v", err)
	}
	if err := n.Revoke(peer.ID("nobody"), 0, "", noon); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("nobody is revoked: %v", err)
	}
	exchange(t, n, b)
	if _, err := b.Issue(&statement.Policy{Serial: 9}, noon); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("b issues: %v", err)
	}
	if again, err := Open(dir, id); err != nil || !again.Revoked(b.Self()) {
		t.Errorf("after a restart: %v", err)
	}
}

// What a stolen admin key has issued ends where the revocation says.
func TestAStolenKeyIsCutOff(t *testing.T) {
	t.Parallel()
	n, _, _ := home(t)
	b, good, bad := follower(t, n), follower(t, n), follower(t, n)
	grantTo(t, n, b, statement.RolesAdmin)
	exchange(t, n, b)
	grantTo(t, b, good, statement.RolesReader)
	grantTo(t, b, bad, statement.RolesReader)
	exchange(t, n, b)
	if err := n.Revoke(b.Self(), 9, "", noon); fault.CodeOf(err) != fault.Usage {
		t.Errorf("%v", err)
	}
	if err := n.Revoke(b.Self(), 2, "stolen", noon); err != nil {
		t.Fatal(err)
	}
	_, isGood := n.Member(good.Self())
	_, isBad := n.Member(bad.Self())
	if !isGood || isBad {
		t.Errorf("good %t, bad %t", isGood, isBad)
	}
}

func TestGrantsEnd(t *testing.T) {
	t.Parallel()
	n, _, _ := home(t)
	b := follower(t, n)
	if err := n.Grant(statement.Grant{Peer: statement.Peer(b.Self()), Roles: statement.RolesReader, NotAfterMS: millis(noon.Add(time.Hour))}, noon); err != nil {
		t.Fatal(err)
	}
	_, during := n.Roles(b.Self(), noon.Add(time.Hour))
	_, after := n.Roles(b.Self(), noon.Add(time.Hour+time.Millisecond))
	if !during || after || n.May(b.Self(), network.ReadFiles, noon.Add(2*time.Hour)) {
		t.Errorf("during %t, after %t", during, after)
	}
}

func TestClosing(t *testing.T) {
	t.Parallel()
	dir, id := t.TempDir(), identity(t)
	n, err := Create(dir, id, Founding{Name: "home", Open: true}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if n.Closed(noon) {
		t.Error("closed from the start")
	}
	if err := n.Close(noon.Add(time.Hour), noon); err != nil {
		t.Fatal(err)
	}
	if n.Closed(noon) || !n.Closed(noon.Add(time.Hour)) {
		t.Error("not closed at its time")
	}
	later := noon.Add(2 * time.Hour)
	if err := n.Close(later.Add(time.Hour), later); fault.CodeOf(err) != fault.NotAllowed || !n.Closed(later) {
		t.Errorf("it was opened again: %v", err)
	}
	if err := n.Close(later, later); err != nil || n.State().Policy.Serial != 1 {
		t.Errorf("closed twice: %v", err)
	}
}
