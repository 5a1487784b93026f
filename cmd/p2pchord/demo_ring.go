package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// peerProcess is a p2pchord of the demo.
type peerProcess struct {
	cmd    *exec.Cmd
	addr   string        // its first address, once it is ready
	log    string        // the file of its stderr
	exited chan struct{} // closed when it has ended
}

// demoNode is a node of the demo.
type demoNode struct {
	name    string
	data    string
	process *peerProcess
	client  *gateway.Client
}

// start starts the bootstrap peer and the nodes, and waits until they are one ring.
func (d *demo) start(ctx context.Context) (err error) {
	d.boot, err = d.run("bootstrap", "bootstrap", "--listen", "/ip4/127.0.0.1/tcp/0", "--heartbeat", demoHeartbeat)
	if err != nil {
		return err
	}
	if err := d.await(ctx, d.boot, "bootstrap"); err != nil {
		return err
	}
	d.say("bootstrap", "a bootstrap peer listens on %s", d.boot.addr)
	for i := range demoNodes {
		name := fmt.Sprintf("node-%d", i+1)
		p, err := d.run(name, "node", "--listen", "/ip4/127.0.0.1/tcp/0", "--bootstrap", d.boot.addr,
			"--heartbeat", demoHeartbeat, "--mdns=false", "--no-prompt")
		if err != nil {
			return err
		}
		d.nodes = append(d.nodes, &demoNode{name: name, data: filepath.Join(d.dir, name), process: p})
	}
	for _, n := range d.nodes {
		if err := d.await(ctx, n.process, n.name); err != nil {
			return err
		}
		n.client, err = gateway.Dial(ctx, filepath.Join(n.data, gateway.SocketName), demoStep)
		if err != nil {
			return err
		}
	}
	if err := d.until(ctx, func() error { return d.oneRing(ctx) }); err != nil {
		return fault.New(fault.CodeOf(err), "the nodes don't form a ring: %w", err)
	}
	d.say("join", "%d nodes have joined: each is a process with an identity and a folder of its own", len(d.nodes))
	return nil
}

// oneRing tells whether every node sees a ring of all, in order.
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

// run starts this program once more, with a data folder called name.
func (d *demo) run(name string, args ...string) (*peerProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fault.New(fault.Failed, "can't find this program: %w", err)
	}
	none := filepath.Join(d.dir, "config.toml")
	if err := os.WriteFile(none, nil, 0o600); err != nil {
		return nil, fault.New(fault.Failed, "can't write the demo's files: %w", err)
	}
	log := filepath.Join(d.dir, name+".log")
	out, err := os.Create(log)
	if err != nil {
		return nil, fault.New(fault.Failed, "can't write the demo's files: %w", err)
	}
	defer func() { _ = out.Close() }() // the process has its own
	args = append(args, "--data", filepath.Join(d.dir, name), "--addr-file", filepath.Join(d.dir, name+".addr"), "--config", none)
	cmd := exec.Command(self, args...) //nolint:gosec,noctx // this very program; its life is the demo's: cleanUp ends it, also when it is interrupted
	cmd.Stdout, cmd.Stderr = out, out
	// The user's own settings are not for the demo's peers.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "P2PCHORD_") })
	detach(cmd, d.keep)
	if err := cmd.Start(); err != nil {
		return nil, fault.New(fault.Failed, "can't start %s: %w", self, err)
	}
	p := &peerProcess{cmd: cmd, log: log, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		_ = cmd.Wait() // how it ended is in its log
	}()
	return p, nil
}

// await waits until a process is ready.
func (d *demo) await(ctx context.Context, p *peerProcess, name string) error {
	var dead error
	err := d.until(ctx, func() error {
		b, err := os.ReadFile(filepath.Join(d.dir, name+".addr"))
		if err == nil {
			p.addr, _, _ = strings.Cut(string(b), "\n")
			return nil
		}
		select {
		case <-p.exited:
			log, _ := os.ReadFile(p.log) // without it there is just less to say
			dead = fault.New(fault.Failed, "%s ended before it was ready: %s", name, lastLine(log))
			return nil
		default:
		}
		return fault.New(fault.TryAgain, "%s is not ready", name)
	})
	return errors.Join(err, dead)
}

func lastLine(log []byte) string {
	log = bytes.TrimSpace(log)
	return string(log[bytes.LastIndexByte(log, '\n')+1:])
}

// kill ends a process as a crash would, and waits until it has ended.
func (p *peerProcess) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.exited
}

// alive lists the nodes that were not killed.
func (d *demo) alive() []*demoNode {
	var list []*demoNode
	for _, n := range d.nodes {
		if n != d.dead {
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
		return "nobody, for it has no bytes"
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
