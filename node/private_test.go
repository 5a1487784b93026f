package node_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/bootstrap"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/membership/manage"
	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/node"
)

// privateRing is a bootstrap peer that knows nothing but the ID of a private network, and its
// members' data folders.
type privateRing struct {
	*cluster
	first   *membership.Network
	folders []string // the first admin's, and those of members
}

func newPrivateRing(t testing.TB, members int) *privateRing {
	t.Helper()
	dir := t.TempDir()
	first, err := membership.Create(dir, identityIn(t, dir), membership.Founding{Name: "home", Label: "first"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r := &privateRing{cluster: newPrivateCluster(t, first.ID()), first: first, folders: []string{dir}}
	for range members - 1 {
		dir, _ := r.join(statement.RolesMember)
		r.folders = append(r.folders, dir)
	}
	return r
}

// newPrivateCluster is a cluster whose bootstrap peer knows the ID of a network.
func newPrivateCluster(t testing.TB, id statement.NetworkID) *cluster {
	t.Helper()
	boot, err := bootstrap.New(t.Context(), bootstrap.Config{Data: t.TempDir(), Listen: anyPort, Network: id})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := boot.Close(); err != nil {
			t.Errorf("closing the bootstrap peer: %v", err)
		}
	})
	return &cluster{t: t, boot: boot, addrs: boot.Addrs()}
}

// join makes the data folder of a machine that has joined, and its grant.
func (r *privateRing) join(roles statement.Roles) (dir string, m *membership.Network) {
	r.t.Helper()
	dir = r.t.TempDir()
	m, err := membership.Follow(dir, identityIn(r.t, dir), r.first.ID())
	if err != nil {
		r.t.Fatal(err)
	}
	g := statement.Grant{Peer: statement.Peer(m.Self()), Roles: roles, SealKey: m.SealKey().PublicKey().Bytes()}
	if roles.Has(statement.Store) {
		g.Place = membership.NewPlace()
	}
	if err := r.first.Grant(g, time.Now()); err != nil {
		r.t.Fatal(err)
	}
	if _, err := m.Add(r.first.Missing(nil)); err != nil {
		r.t.Fatal(err)
	}
	return dir, m
}

// keyed waits until every node has the keys with which files are encrypted.
func (r *privateRing) keyed() {
	r.t.Helper()
	r.eventually("the nodes get the data keys", func() string {
		for _, n := range r.nodes {
			if _, err := n.Stat(r.t.Context(), "no such file"); !errors.Is(err, node.ErrNotFound) {
				return fmt.Sprint(err)
			}
		}
		return ""
	})
}

// A private ring works like an open one for its members and clients. Who is no member gets one
// clear error, from members and from the bootstrap peer.
func TestPrivateRing(t *testing.T) {
	t.Parallel()
	r := newPrivateRing(t, 3)
	client, _ := r.join(statement.RolesClient)
	reader, _ := r.join(statement.RolesReader)
	for _, dir := range r.folders {
		r.start(node.Config{Data: dir})
	}
	r.settled()
	r.keyed()
	data := []byte("private")
	r.put(r.nodes[0], "a", data)
	if got := r.get(r.nodes[2], "a"); !bytes.Equal(got, data) {
		t.Errorf("got %q", got)
	}

	dial := func(dir string) (*node.Client, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		c, err := node.Dial(ctx, node.ClientConfig{Data: dir, Bootstrap: r.addrs})
		if err == nil {
			t.Cleanup(func() {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		return c, err
	}
	c, err := dial(client)
	if err != nil {
		t.Fatalf("a client: %v", err)
	}
	if _, err := c.Put(t.Context(), "b", bytes.NewReader(data), node.PutOptions{Size: int64(len(data))}); err != nil {
		t.Errorf("a client's put: %v", err)
	}
	if c, err = dial(reader); err != nil {
		t.Fatalf("a reader: %v", err)
	}
	if got := r.get(c, "b"); !bytes.Equal(got, data) {
		t.Errorf("a reader got %q", got)
	}
	if _, err := c.Put(t.Context(), "c", bytes.NewReader(data), node.PutOptions{Size: int64(len(data))}); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("a reader's put: %v", err)
	}

	// A check of the network, too, is made as the member that the data folder belongs to.
	for dir, ok := range map[string]bool{client: true, t.TempDir(): false} {
		check, err := node.NetcheckOffline(t.Context(), node.Config{Data: dir, Bootstrap: r.addrs, Listen: anyPort})
		if err != nil {
			t.Fatal(err)
		}
		if b := check.Bootstrap[0]; b.Connected != ok {
			t.Errorf("a check of %s: %+v", dir, b)
		}
	}
	if _, err := dial(""); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("a stranger at the bootstrap peer: %v", err)
	} else {
		t.Log(err)
	}
	for name, dir := range map[string]string{"a client": client, "a reader": reader} {
		if n, err := node.New(t.Context(), node.Config{Data: dir, Listen: anyPort, Bootstrap: r.addrs}); fault.CodeOf(err) != fault.NotAllowed {
			t.Errorf("%s that starts a node: %v", name, err)
			_ = n.Close()
		}
	}
	other := newPrivateRing(t, 1)
	if n, err := node.New(t.Context(), node.Config{Data: other.folders[0], Listen: anyPort, Bootstrap: r.addrs}); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("a member of another network: %v", err)
		_ = n.Close()
	} else {
		t.Log(err)
	}
}

// A revocation ends a download that is under way, and the ring goes on without the revoked peer.
func TestRevocationEndsADownload(t *testing.T) {
	t.Parallel()
	r := newPrivateRing(t, 3)
	dir, victim := r.join(statement.RolesClient)
	for _, dir := range r.folders {
		r.start(node.Config{Data: dir})
	}
	r.settled()
	r.keyed()
	data := make([]byte, 16<<20)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	r.put(r.nodes[1], "large", data)
	c, err := node.Dial(t.Context(), node.ClientConfig{Data: dir, Bootstrap: r.addrs, LimitDown: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f, err := c.Get(t.Context(), "large", node.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.ReadFull(f, make([]byte, 1<<16)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := r.nodes[0].ManageNetwork(t.Context(), manage.Request{Do: manage.DoRevoke, Peer: victim.Self().String()}); err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, f)
	if fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("after %d bytes: %v", n, err)
	}
	t.Logf("ended after %v: %v", time.Since(began), err)
	r.settled()
	if got := r.get(r.nodes[0], "large"); !bytes.Equal(got, data) {
		t.Error("the file is damaged")
	}
}
