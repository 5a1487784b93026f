package joining

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/vault"
	"github.com/p2pchord/p2pchord/network/statement"
)

func vaultOf(t testing.TB, n *membership.Network) *vault.Vault {
	t.Helper()
	v, err := n.Vault()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// granted is a machine that the admin has granted roles, and its host, connected to the admin's.
func (a admin) granted(t testing.TB, roles statement.Roles) (host.Host, *membership.Network) {
	t.Helper()
	key := identity(t)
	n, err := membership.Follow(t.TempDir(), key, a.Network.ID())
	if err != nil {
		t.Fatal(err)
	}
	g := statement.Grant{Peer: statement.Peer(n.Self()), Roles: roles, SealKey: n.SealKey().PublicKey().Bytes()}
	if err := a.Grant(g, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Add(a.Missing(n.Heads())); err != nil {
		t.Fatal(err)
	}
	h := start(t, key, "/ip4/127.0.0.1/tcp/0")
	if err := h.Connect(t.Context(), a.info()); err != nil {
		t.Fatal(err)
	}
	return h, n
}

// Members that may read files get the data keys from any other; nobody else gets any, and a member
// that may not read is not asked.
func TestDataKeys(t *testing.T) {
	t.Parallel()
	a := newAdmin(t)
	h, n := a.granted(t, statement.RolesMember)
	if !n.LacksKeys(time.Now()) || !FetchKeysFromAny(t.Context(), h, n) || !slices.Equal(vaultOf(t, n).Epochs(), vaultOf(t, a.Network).Epochs()) {
		t.Error("a member has not got the keys")
	}
	s := Serve(h, n)
	defer func() { _ = s.Close() }()

	storing, storage := a.granted(t, statement.RolesStorage)
	if err := FetchKeys(t.Context(), storing, a.Host.ID(), storage); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("a peer that stores: %v", err)
	}
	reading, reader := a.granted(t, statement.RolesReader)
	if err := reading.Connect(t.Context(), peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()}); err != nil {
		t.Fatal(err)
	}
	exchange(t, n, a.Network)
	exchange(t, reader, a.Network)
	if err := FetchKeys(t.Context(), reading, storage.Self(), reader); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("asked of a peer that may not read: %v", err)
	}
	if err := FetchKeys(t.Context(), reading, h.ID(), reader); err != nil || len(vaultOf(t, reader).Epochs()) == 0 {
		t.Errorf("from a member that is no admin: %v", err)
	}
	if _, err := a.SealKeys(start(t, identity(t)).ID(), time.Now()); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("a stranger: %v", err)
	}
}

// A member that lacks keys gets them as soon as somebody who has them is connected, and each new
// one.
func TestKeysAreKept(t *testing.T) {
	t.Parallel()
	a := newAdmin(t)
	h, n := a.granted(t, statement.RolesMember)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		KeepKeys(ctx, h, n)
		close(done)
	}()
	await(t, func() bool { return !n.LacksKeys(time.Now()) })
	_, other := a.granted(t, statement.RolesReader)
	if err := a.Revoke(other.Self(), 0, "", time.Now()); err != nil {
		t.Fatal(err)
	}
	exchange(t, n, a.Network)
	await(t, func() bool { return len(vaultOf(t, n).Epochs()) == 2 })
	cancel()
	<-done
}

func exchange(t testing.TB, a, b *membership.Network) {
	t.Helper()
	for _, pair := range [][2]*membership.Network{{a, b}, {b, a}} {
		if _, err := pair[1].Add(pair[0].Missing(pair[1].Heads())); err != nil {
			t.Fatal(err)
		}
	}
}

func await(t testing.TB, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("not in time")
		}
		<-ticker.C
	}
}
