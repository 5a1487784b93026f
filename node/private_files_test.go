package node_test

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/nodefolder"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/node"
)

func identityIn(t testing.TB, dir string) crypto.PrivKey {
	t.Helper()
	key, err := p2phost.LoadOrCreateIdentity(filepath.Join(dir, nodefolder.IdentityFile))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// granted makes a data folder whose peer is granted roles in a network.
func granted(t *testing.T, admin *membership.Network, roles statement.Roles) string {
	t.Helper()
	dir := t.TempDir()
	n, err := membership.Follow(dir, identityIn(t, dir), admin.ID())
	if err != nil {
		t.Fatal(err)
	}
	g := statement.Grant{Peer: statement.Peer(n.Self()), Roles: roles, SealKey: n.SealKey().PublicKey().Bytes()}
	if roles.Has(statement.Store) {
		g.Place = membership.NewPlace()
	}
	if err := admin.Grant(g, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Add(admin.Missing(n.Heads())); err != nil {
		t.Fatal(err)
	}
	return dir
}

// In a private network files are encrypted without anybody asking for it. Members get the keys from
// each other; a peer that stores for them never has any.
func TestPrivateNetworkEncrypts(t *testing.T) {
	t.Parallel()
	first := t.TempDir()
	admin, err := membership.Create(first, identityIn(t, first), membership.Founding{Name: "home", Label: "first"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p := &private{newPrivateCluster(t, admin.ID()), nil, []string{first, granted(t, admin, statement.RolesMember), granted(t, admin, statement.RolesStorage)}}
	for _, dir := range p.dirs {
		p.start(node.Config{Data: dir})
	}
	p.settled()
	data := bytes.Repeat([]byte("Meet me behind the old mill at midnight. "), 2000)
	res := p.put(p.nodes[0], "letters/mill.txt", data)
	if res.StoredHash == "" || res.Hash != hashText(data) {
		t.Errorf("%+v", res)
	}
	p.eventually("the member gets the keys", func() string {
		if _, err := p.nodes[1].Stat(t.Context(), "letters/mill.txt"); err != nil {
			return err.Error()
		}
		return ""
	})
	if got := p.get(p.nodes[1], "letters/mill.txt"); !bytes.Equal(got, data) {
		t.Error("the member reads something else")
	}
	if _, err := p.nodes[2].Stat(t.Context(), "letters/mill.txt"); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("a peer that stores: %v", err)
	}
	p.checkHidden([]byte("behind the old mill"), []byte("letters"), []byte("mill.txt"))
}
