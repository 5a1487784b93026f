package node_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/instance"
	"github.com/p2pchord/p2pchord/node"
)

// copyFolder copies the data folder of a node that doesn't run.
func copyFolder(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// tellsOfAnother reports whether a node's health names another process with its identity.
func tellsOfAnother(t *testing.T, n *node.Node) bool {
	t.Helper()
	st, err := n.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(st.Ring.Problems, func(p string) bool { return strings.Contains(p, "another process") })
}

// A data folder that was copied is started while the original runs: the copy is refused before it
// has said anything to the ring, and the original's health names it.
func TestACopiedDataFolderIsRefused(t *testing.T) {
	t.Parallel()
	for name, withBootstrap := range map[string]bool{"through a bootstrap peer": true, "through remembered peers": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 3)
			folder := t.TempDir()
			first := c.start(node.Config{Data: folder})
			c.settled()
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			copied := copyFolder(t, folder)
			original := c.start(node.Config{Data: folder})
			c.settled()

			cfg := node.Config{Data: copied, Listen: anyPort, Heartbeat: 600 * time.Millisecond}
			if withBootstrap {
				cfg.Bootstrap = c.addrs
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			second, err := node.New(ctx, cfg)
			if err == nil {
				_ = second.Close()
			}
			if !errors.Is(err, fault.NotAllowed) || !strings.Contains(err.Error(), "identity") {
				t.Fatalf("the copy was started: %v", err)
			}
			c.eventually("the original tells of the copy", func() string {
				if tellsOfAnother(t, original) {
					return ""
				}
				return "health says nothing"
			})
			c.settledExceptInstance(original)
			if original.Err() != nil {
				t.Errorf("the original ended: %v", original.Err())
			}
		})
	}
}

// settledExceptInstance waits until n is a member and serves its arc, whatever else its health
// tells.
func (c *cluster) settledExceptInstance(n *node.Node) {
	c.t.Helper()
	c.eventually("the original serves", func() string {
		st, err := n.Health(c.t.Context())
		if err != nil {
			return err.Error()
		}
		if st.State != "active" || !st.Arc.Synced {
			return st.State + ": " + st.Arc.Why
		}
		return ""
	})
}

// A restart is not another process: nothing is left of the one before.
func TestARestartIsNoOtherInstance(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	folder := t.TempDir()
	for range 3 {
		n := c.start(node.Config{Data: folder})
		c.settled()
		if tellsOfAnother(t, n) {
			t.Fatal("health tells of another process")
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Two processes with one identity are members of two rings that meet: the one that started later
// ends by itself, and the other one goes on and says why.
func TestOfTwoMembersWithOneIdentityOneEnds(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	here := newCluster(t, 2)
	n := here.start(node.Config{Data: folder})
	here.settled()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	copied := copyFolder(t, folder)
	if err := os.Remove(copied + "/peers.json"); err != nil { // the two rings don't know each other
		t.Fatal(err)
	}
	elder := here.start(node.Config{Data: folder})
	here.settled()
	there := newCluster(t, 2)
	younger := there.start(node.Config{Data: copied})
	there.settled()

	// Somebody is connected to both.
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	g := instance.New(instance.Config{Host: h, Member: func() bool { return false }, Found: func(instance.Other) {}})
	defer func() { _ = g.Close() }()
	for _, m := range []*node.Node{elder, younger} {
		dialBack(t, m, h.ID(), h.Addrs())
	}
	select {
	case <-younger.Done():
	case <-time.After(time.Minute):
		t.Fatal("both go on")
	}
	if !errors.Is(younger.Err(), fault.NotAllowed) {
		t.Errorf("the later one ended with %v", younger.Err())
	}
	if !tellsOfAnother(t, elder) || elder.Err() != nil {
		t.Errorf("the earlier one says nothing, or ended: %v", elder.Err())
	}
}

func dialBack(t *testing.T, n *node.Node, id peer.ID, addrs []ma.Multiaddr) {
	t.Helper()
	if err := n.Connect(t.Context(), peer.AddrInfo{ID: id, Addrs: addrs}); err != nil {
		t.Fatal(err)
	}
}
