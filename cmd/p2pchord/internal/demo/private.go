package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership/manage"
)

// createNetwork makes the private network, with the first node as its admin.
func (d *demo) createNetwork(ctx context.Context) error {
	out, err := d.once(ctx, nodeName(0), "network", "create", "demo", "--name", nodeName(0), "--recovery", "0", "--json")
	if err != nil {
		return err
	}
	var made struct{ Network string }
	if err := json.Unmarshal(out, &made); err != nil {
		return fault.New(fault.Failed, "network create printed %q: %w", out, err)
	}
	d.network = made.Network
	d.say("network", "made a private ring, with %s as its first admin: %s", nodeName(0), d.network)
	return nil
}

// join makes a node a member, by a code that the first one makes. The second is an admin too: one
// of them may be killed.
func (d *demo) join(ctx context.Context, name string) error {
	role := "member"
	if len(d.nodes) == 1 {
		role = "admin"
	}
	a, err := d.nodes[0].client.ManageNetwork(ctx, manage.Request{Do: manage.DoInvite, Name: name, Role: role})
	if err != nil {
		return fault.New(fault.CodeOf(err), "%s can't invite: %w", d.nodes[0].name, err)
	}
	code := a.Invitations[0].Code
	err = d.until(ctx, func() error { // the bootstrap peer hears of the code in a moment
		_, err := d.once(ctx, name, "join", code)
		return err
	})
	if err != nil {
		return err
	}
	d.say("join", "%s joined as %s, by a code of %s: %s...", name, role, d.nodes[0].name, code[:16])
	return nil
}

// showStranger has somebody who is no member ask for a file.
func (d *demo) showStranger(ctx context.Context) error {
	_, err := d.once(ctx, "stranger", "get", d.files[0].source.Name, "--bootstrap", d.boot.addr, "--timeout", "5s", "-o", "-")
	if err == nil {
		return fault.New(fault.Failed, "a stranger got %s", d.files[0].source.Name)
	}
	d.say("stranger", "somebody without a code asked for %s, and got nothing: %v", d.files[0].source.Name, err)
	return nil
}

// revoke ends the membership of a node, and waits until the others have dropped it.
func (d *demo) revoke(ctx context.Context) error {
	admin, n := d.alive()[0], d.alive()[len(d.alive())-1]
	if _, err := admin.client.ManageNetwork(ctx, manage.Request{Do: manage.DoRevoke, Peer: n.name}); err != nil {
		return fault.New(fault.CodeOf(err), "%s can't revoke %s: %w", admin.name, n.name, err)
	}
	err := d.until(ctx, func() error {
		for m, err := range admin.client.Members(ctx) {
			if err != nil {
				return err
			}
			if m.PeerID == n.client.PeerID() {
				return fault.New(fault.TryAgain, "%s is still in the ring", n.name)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	n.process.kill()
	d.revoked = n
	d.say("revoke", "revoked %s: the others ended its connections, and it is out of the ring", n.name)
	return nil
}

// once runs this program once, with a data folder called name, and returns what it prints.
func (d *demo) once(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd, err := d.command(ctx, append(args, "--data", filepath.Join(d.dir, name))...)
	if err != nil {
		return nil, err
	}
	var messages bytes.Buffer
	cmd.Stderr = &messages
	out, err := cmd.Output()
	if err != nil {
		text := strings.TrimPrefix(lastLine(messages.Bytes()), "p2pchord: ")
		return nil, fault.New(fault.Failed, "%s (%w)", text, err)
	}
	return out, nil
}
