package membership

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/p2pchord/p2pchord/internal/datafolder"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/vault"
	"github.com/p2pchord/p2pchord/network/statement"
)

func keysOf(t testing.TB, n *Network) *vault.Vault {
	t.Helper()
	v, err := n.Vault()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// member makes another machine that has joined.
func member(t testing.TB, n *Network, roles statement.Roles) *Network {
	t.Helper()
	m := follower(t, n)
	grantTo(t, n, m, roles)
	exchange(t, n, m)
	return m
}

// give hands the data keys from one machine to another, as they do over a connection.
func give(t testing.TB, from, to *Network) error {
	t.Helper()
	sealed, err := from.SealKeys(to.Self(), noon)
	if err != nil {
		return err
	}
	return to.TakeKeys(sealed)
}

func sameEpochs(a, b *vault.Vault) bool {
	return a.ID() == b.ID() && slices.Equal(a.Epochs(), b.Epochs())
}

// A network has a vault from the beginning. Who may read gets the keys from any member that has
// them, keeps them over a restart, and others don't get them.
func TestDataKeysAreGiven(t *testing.T) {
	t.Parallel()
	n, dir, id := home(t)
	v := keysOf(t, n)
	if n.FromOpenRing() {
		t.Error("a new network is one of an open ring")
	}
	if len(n.State().Keys) != 1 || vault.ID(n.State().Keys[0].Vault) != v.ID() || n.LacksKeys(noon) {
		t.Errorf("a new network: %v", n.State().Keys)
	}
	a := member(t, n, statement.RolesMember)
	if _, err := a.Vault(); fault.CodeOf(err) != fault.TryAgain || !a.LacksKeys(noon) {
		t.Errorf("before the keys have come: %v", err)
	}
	if err := give(t, n, a); err != nil || !sameEpochs(keysOf(t, a), v) || a.LacksKeys(noon) {
		t.Errorf("%v", err)
	}
	b := member(t, n, statement.RolesReader)
	exchange(t, a, b)
	if err := give(t, a, b); err != nil || !sameEpochs(keysOf(t, b), v) { // no admin is needed
		t.Errorf("from a member: %v", err)
	}
	storage := member(t, n, statement.RolesStorage)
	if err := give(t, n, storage); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("to a peer that stores: %v", err)
	}
	if _, err := storage.Vault(); fault.CodeOf(err) != fault.NotAllowed || storage.LacksKeys(noon) {
		t.Errorf("a peer that stores: %v", err)
	}
	if err := give(t, n, follower(t, n)); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("to a stranger: %v", err)
	}
	sealed, err := n.SealKeys(a.Self(), noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.TakeKeys(sealed); fault.CodeOf(err) != fault.Integrity {
		t.Errorf("keys for somebody else: %v", err)
	}
	foreign, err := vault.Create().SealTo(b.SealKey().PublicKey().Bytes(), n.id[:], []byte(b.Self()))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.TakeKeys(foreign); fault.CodeOf(err) != fault.Integrity || !sameEpochs(keysOf(t, b), v) {
		t.Errorf("keys of a vault that nobody has announced: %v", err)
	}
	again, err := Open(dir, id)
	if err != nil || !sameEpochs(keysOf(t, again), v) {
		t.Errorf("after a restart: %v", err)
	}
	for _, name := range []string{vaultName, keysName} { // nobody stores them by mistake
		raw, err := os.ReadFile(filepath.Join(dir, "network", name))
		if err != nil || datafolder.Secret(raw) == "" {
			t.Errorf("%s is not recognized as a secret, %v", name, err)
		}
	}
	st, err := os.Stat(filepath.Join(dir, "network", "vault"))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
}

// After a revocation the others write with a key that the revoked member doesn't have. They get it
// with the statements, those that were away later.
func TestRevocationChangesTheKey(t *testing.T) {
	t.Parallel()
	n, _, _ := home(t)
	var all []*Network
	for range 3 {
		m := member(t, n, statement.RolesMember)
		if err := give(t, n, m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	gone, here, away := all[0], all[1], all[2]
	for _, m := range all {
		exchange(t, n, m)
	}
	if err := n.Revoke(gone.Self(), 0, "", noon); err != nil {
		t.Fatal(err)
	}
	exchange(t, n, here)
	exchange(t, n, gone)
	e := keysOf(t, n).Epochs()
	if len(e) != 2 || e[0].UntilMS != millis(noon.Add(24*time.Hour)) || e[1].UntilMS != 0 {
		t.Errorf("%v", e)
	}
	if !sameEpochs(keysOf(t, here), keysOf(t, n)) {
		t.Error("a member has not got the new key with the statements")
	}
	if v := gone.vault.Load(); len(v.Epochs()) != 1 {
		t.Error("the revoked member has the new key")
	}
	if err := give(t, here, gone); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("to the revoked member: %v", err)
	}
	for range 3 { // more than the statements carry
		other := member(t, n, statement.RolesReader)
		if err := n.Revoke(other.Self(), 0, "", noon); err != nil {
			t.Fatal(err)
		}
	}
	exchange(t, here, n)
	exchange(t, here, away)
	if !here.LacksKeys(noon) || give(t, n, here) != nil || here.LacksKeys(noon) {
		t.Error("a member doesn't ask for the end of an epoch")
	}
	if len(keysOf(t, away).Epochs()) == 5 {
		t.Fatal("the statements carry all keys: the next step tests nothing")
	}
	if !away.LacksKeys(noon) || !keysOf(t, away).Writable() {
		t.Error("a member that was away thinks that it has all keys, or can't write with the newest")
	}
	if behind := keysOf(t, here).Announced(9); behind.Writable() {
		t.Error("a member writes with a key that is not the newest")
	}
	if err := give(t, here, away); err != nil || !sameEpochs(keysOf(t, away), keysOf(t, n)) || away.LacksKeys(noon) {
		t.Errorf("%v", err)
	}
}

// A member that loses the role reader loses the keys of what follows.
func TestRoleChangesTheKey(t *testing.T) {
	t.Parallel()
	n, _, _ := home(t)
	m := member(t, n, statement.RolesMember)
	grantTo(t, n, m, statement.RolesStorage)
	if e := keysOf(t, n).Epochs(); len(e) != 2 {
		t.Errorf("%d epochs", len(e))
	}
	exchange(t, n, m)
	if _, err := m.Vault(); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("%v", err)
	}
}

// Two admins that revoke at the same time begin the same epoch. Everybody ends with both keys.
func TestTwoAdminsChangeTheKey(t *testing.T) {
	t.Parallel()
	n, _, _ := home(t)
	other := member(t, n, statement.RolesAdmin)
	a, b := member(t, n, statement.RolesReader), member(t, n, statement.RolesReader)
	reader := member(t, n, statement.RolesReader)
	for _, m := range []*Network{other, reader} {
		if err := give(t, n, m); err != nil {
			t.Fatal(err)
		}
		exchange(t, n, m)
	}
	if err := n.Revoke(a.Self(), 0, "", noon); err != nil {
		t.Fatal(err)
	}
	if err := other.Revoke(b.Self(), 0, "", noon); err != nil {
		t.Fatal(err)
	}
	exchange(t, n, other)
	exchange(t, reader, other)
	if len(keysOf(t, n).Epochs()) != 3 || !sameEpochs(keysOf(t, n), keysOf(t, other)) || !sameEpochs(keysOf(t, n), keysOf(t, reader)) {
		t.Errorf("%v, %v, %v", keysOf(t, n).Epochs(), keysOf(t, other).Epochs(), keysOf(t, reader).Epochs())
	}
}

// A network that was made by an earlier version gets its vault when it is opened.
func TestVaultOfAnEarlierNetwork(t *testing.T) {
	t.Parallel()
	dir, id := t.TempDir(), identity(t)
	n := withoutVault(t, dir, id)
	again, err := Open(dir, id)
	if err != nil || len(again.State().Keys) != 1 {
		t.Fatalf("%v", err)
	}
	if n.ID() != again.ID() || keysOf(t, again) == nil {
		t.Error("another network, or no keys")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "network", vaultName))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "network", vaultName), raw[:40], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, id); fault.CodeOf(err) != fault.Failed || bytes.Contains([]byte(err.Error()), raw[28:36]) {
		t.Errorf("with damaged keys: %v", err)
	}
}

// A network of an open ring is one for ever, also when it is closed.
func TestNetworkOfAnOpenRing(t *testing.T) {
	t.Parallel()
	n, err := Create(t.TempDir(), identity(t), Founding{Name: "home", Open: true}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(noon, noon); err != nil || !n.FromOpenRing() {
		t.Errorf("%v", err)
	}
}

// withoutVault makes a network as an earlier version did.
func withoutVault(t *testing.T, dir string, id crypto.PrivKey) *Network {
	t.Helper()
	n, err := Create(dir, id, Founding{Name: "home"}, noon)
	if err != nil {
		t.Fatal(err)
	}
	all := n.set.All()
	if n.set, err = newSet(n.id, all[:2]); err != nil {
		t.Fatal(err)
	}
	n.publish(noon)
	if err := n.write(n.set); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(n.file(vaultName)); err != nil {
		t.Fatal(err)
	}
	return n
}
