package demo

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/gateway/client"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// demoPeer is a node of the demo.
type demoPeer struct {
	name    string
	data    string
	process *process
	client  *client.Client
}

// start starts the bootstrap peer and the nodes, and waits until they are one ring.
func (d *demo) start(ctx context.Context) (err error) {
	args := []string{"bootstrap", "--listen", "/ip4/127.0.0.1/tcp/0", "--heartbeat", heartbeat}
	if d.private {
		args = append(args, "--network", d.network)
	}
	d.boot, err = d.run("bootstrap", args...)
	if err != nil {
		return err
	}
	if err := d.await(ctx, d.boot, "bootstrap"); err != nil {
		return err
	}
	d.say("bootstrap", "a bootstrap peer listens on %s", d.boot.addr)
	for i := range peers {
		if d.private && i > 0 {
			if err := d.awaitNode(ctx, d.nodes[0]); err != nil {
				return err
			}
			if err := d.join(ctx, nodeName(i)); err != nil {
				return err
			}
		}
		if err := d.startNode(nodeName(i), !d.private || i == 0); err != nil {
			return err
		}
	}
	for _, n := range d.nodes {
		if err := d.awaitNode(ctx, n); err != nil {
			return err
		}
	}
	if err := d.until(ctx, func() error { return d.oneRing(ctx) }); err != nil {
		return fault.New(fault.CodeOf(err), "the nodes don't form a ring: %w", err)
	}
	d.say("join", "%d nodes have joined: each is a process with its own identity and folder", len(d.nodes))
	return nil
}

func nodeName(i int) string { return fmt.Sprintf("node-%d", i+1) }

// startNode starts a node. One that has joined a private ring needs no address.
func (d *demo) startNode(name string, bootstrap bool) error {
	args := []string{"node", "--listen", "/ip4/127.0.0.1/tcp/0", "--heartbeat", heartbeat, "--mdns=false", "--no-prompt"}
	if bootstrap {
		args = append(args, "--bootstrap", d.boot.addr)
	}
	p, err := d.run(name, args...)
	if err != nil {
		return err
	}
	d.nodes = append(d.nodes, &demoPeer{name: name, data: filepath.Join(d.dir, name), process: p})
	return nil
}

// awaitNode waits until a node is ready, and connects to it.
func (d *demo) awaitNode(ctx context.Context, n *demoPeer) (err error) {
	if n.client != nil {
		return nil
	}
	if err := d.await(ctx, n.process, n.name); err != nil {
		return err
	}
	n.client, err = client.Dial(ctx, filepath.Join(n.data, gateway.SocketName), stepWithin)
	return err
}

// oneRing returns nil when every node sees a ring of all nodes.
func (d *demo) oneRing(ctx context.Context) error {
	for _, n := range d.nodes {
		s, err := n.client.Status(ctx)
		if err != nil {
			return err
		}
		if !s.Ring.OK {
			return fault.New(fault.TryAgain, "%s: %s", n.name, strings.Join(s.Ring.Problems, ", "))
		}
		if s.Predecessor == nil || len(s.Successors) < len(d.nodes)-1 {
			return fault.New(fault.TryAgain, "%s knows %s", n.name, textfmt.Count(len(s.Successors), "successor", "successors"))
		}
	}
	return nil
}

// alive lists the nodes that were not killed.
func (d *demo) alive() []*demoPeer {
	var list []*demoPeer
	for _, n := range d.nodes {
		if n != d.dead && n != d.revoked {
			list = append(list, n)
		}
	}
	return list
}

// nameOf is the demo's name of a peer.
func (d *demo) nameOf(id string) string {
	for _, n := range d.nodes {
		if n.client.PeerID() == id {
			return n.name
		}
	}
	return textfmt.ShortID(id)
}

func (d *demo) namesOf(ids []string) string {
	var names []string
	for _, id := range ids {
		names = append(names, d.nameOf(id))
	}
	if len(names) == 0 {
		return "nobody, because it has no bytes"
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
