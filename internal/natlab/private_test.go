//go:build linux

package natlab

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/nodefolder"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/network/statement"
)

// privateFolders are the data folders of a bootstrap peer that knows nothing but the ID of a
// private network, and of its members.
func privateFolders(t *testing.T, members int) (boot string, folders []string) {
	t.Helper()
	open := func(dir, identity string, id statement.NetworkID) *membership.Network {
		key, err := p2phost.LoadOrCreateIdentity(filepath.Join(dir, identity))
		if err != nil {
			t.Fatal(err)
		}
		var n *membership.Network
		if id.IsZero() {
			n, err = membership.Create(dir, key, membership.Founding{Name: "lab", Label: "first"}, time.Now())
		} else {
			n, err = membership.Follow(dir, key, id)
		}
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	folders = append(folders, newFolder(t))
	first := open(folders[0], nodefolder.IdentityFile, statement.NetworkID{})
	for range members - 1 {
		dir := newFolder(t)
		n := open(dir, nodefolder.IdentityFile, first.ID())
		err := first.Grant(statement.Grant{
			Peer: statement.Peer(n.Self()), Roles: statement.RolesMember, SealKey: n.SealKey().PublicKey().Bytes(), Place: membership.NewPlace(),
		}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Add(first.Missing(nil)); err != nil {
			t.Fatal(err)
		}
		folders = append(folders, dir)
	}
	boot = newFolder(t)
	open(boot, "identity", first.ID())
	return boot, folders
}

// A private ring comes together through NATs as an open one does: by hole punching where that
// works, and else through the bootstrap peer's relay, which serves members only.
func TestPrivateRing(t *testing.T) {
	for _, c := range []struct {
		name          string
		first, second Kind
		path          string // "": it depends on the places of the blocks, which nobody chose
	}{
		{"port-preserving", PortPreserving, PortPreserving, "direct"},
		{"both symmetric, through the relay", Symmetric, Symmetric, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := New(t)
			at, folders := privateFolders(t, 2)
			boot := launchIn(t, at, l.Host(Both), "bootstrap")
			boot.ready()
			var nodes []*process
			for i, kind := range []Kind{c.first, c.second} {
				h := l.Router(kind).Host()
				p := launchIn(t, folders[i], h, nodeArgs(h, boot)...)
				p.ready()
				nodes = append(nodes, p)
			}
			a, b := nodes[0], nodes[1]
			t.Logf("joined after %v and %v", a.joined.Round(time.Millisecond), b.joined.Round(time.Millisecond))
			a.whole(patience, 2)
			if c.path == "direct" {
				took := b.joined + a.direct(10*time.Second, 2) + b.direct(10*time.Second, 2)
				t.Logf("direct %v after the second node's start", took.Round(time.Millisecond))
			}
			for _, p := range nodes {
				p.within(patience, "data keys", func() error {
					_, _, err := p.verb("ls")
					return err
				})
			}
			measure(t, a, b, c.path)
			// Who is no member gets nothing, at the bootstrap peer and at members.
			stranger := launchIn(t, newFolder(t), l.Router(PortPreserving).Host(), nodeArgs(nil, boot)...)
			<-stranger.ended
			if code := stranger.cmd.ProcessState.ExitCode(); code != 8 {
				t.Errorf("a stranger's node ends with %d, want 8", code)
			}
		})
	}
}
