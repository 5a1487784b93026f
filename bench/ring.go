package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/gateway/client"
)

// nodes is how many members a ring has: with three copies, every node holds every file.
const nodes = 3

// ring is a bootstrap peer and its nodes.
type ring struct {
	binary  string
	dir     string
	boot    *process
	contact string // the bootstrap peer's address
	nodes   []*process
	folders []string
}

// startRing starts a ring in dir and waits until all members see each other.
func startRing(ctx context.Context, binary, dir string) (*ring, error) {
	r := &ring{binary: binary, dir: dir}
	if err := r.start(ctx); err != nil {
		r.stop(nil)
		return nil, err
	}
	return r, nil
}

func (r *ring) start(ctx context.Context) error {
	addrs, p, err := r.run(ctx, "bootstrap", "bootstrap", "--listen", "/ip4/127.0.0.1/tcp/0")
	if err != nil {
		return err
	}
	r.boot, r.contact = p, addrs[0]
	for i := range nodes {
		name := fmt.Sprintf("node%d", i+1)
		// The ring addresses are the same in every round, so the arcs, and with them the owners,
		// don't vary.
		_, p, err := r.run(ctx, name, "node", "--listen", "/ip4/127.0.0.1/tcp/0", "--bootstrap", r.contact,
			"--ring-address", fmt.Sprintf("localhost:%d", 8001+i), "--mdns=false", "--no-prompt")
		if err != nil {
			return err
		}
		r.nodes = append(r.nodes, p)
		r.folders = append(r.folders, filepath.Join(r.dir, name))
	}
	return waitFor(ctx, func() error {
		for _, dir := range r.folders {
			if err := r.healthy(ctx, dir); err != nil {
				return err
			}
		}
		return nil
	})
}

// run starts one process of the ring and waits for its addresses.
func (r *ring) run(ctx context.Context, name string, args ...string) ([]string, *process, error) {
	data := filepath.Join(r.dir, name)
	addrFile := data + ".addrs"
	p, err := start(name, r.binary, append(args, "--data", data, "--addr-file", addrFile)...)
	if err != nil {
		return nil, nil, err
	}
	var addrs []string
	err = p.await(ctx, func() error {
		b, err := os.ReadFile(addrFile) //nolint:gosec // the bench's own
		if addrs = strings.Fields(string(b)); err == nil && len(addrs) == 0 {
			err = fmt.Errorf("no address in %s", addrFile)
		}
		return err
	})
	if err != nil {
		p.stop()
		return nil, nil, err
	}
	return addrs, p, nil
}

// healthy reports whether the node of a folder sees the whole ring in order.
func (r *ring) healthy(ctx context.Context, dir string) error {
	c, err := r.api(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	members := 0
	for _, err := range c.Members(ctx) {
		if err != nil {
			return err
		}
		members++
	}
	st, err := c.Status(ctx)
	if err != nil {
		return err
	}
	if members != nodes || !st.Ring.OK {
		return fmt.Errorf("%s sees %d members: %s", filepath.Base(dir), members, strings.Join(st.Ring.Problems, ", "))
	}
	return nil
}

func (r *ring) api(ctx context.Context, dir string) (*client.Client, error) {
	return client.Dial(ctx, filepath.Join(dir, gateway.SocketName), 0)
}

// cpu is the processor time of all members.
func (r *ring) cpu() (sum time.Duration) {
	for _, p := range r.nodes {
		sum += cpuOf(p.cmd.Process.Pid)
	}
	return sum
}

// verb runs a verb as a client, without a node. The processor time includes the ring's.
func (r *ring) verb(ctx context.Context, args ...string) (ran, error) {
	before := r.cpu()
	out, err := command(ctx, r.binary, append(args, "--bootstrap", r.contact, "--data", filepath.Join(r.dir, "nobody"), "--quiet")...)
	out.cpu += r.cpu() - before
	return out, err
}

// whole waits until every node stores this many bytes: with three copies, each has the whole file.
func (r *ring) whole(ctx context.Context, size int64) error {
	for _, dir := range r.folders {
		c, err := r.api(ctx, dir)
		if err != nil {
			return err
		}
		err = waitFor(ctx, func() error {
			st, err := c.Status(ctx)
			if err == nil && st.Storage.UsedBytes < size {
				err = fmt.Errorf("%s has %d bytes", filepath.Base(dir), st.Storage.UsedBytes)
			}
			return err
		})
		_ = c.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// stop ends all processes and tells the peak memory of each.
func (r *ring) stop(tell func(name string, bytes int64)) {
	for _, p := range append(r.nodes, r.boot) {
		if p == nil {
			continue
		}
		if bytes := p.stop(); tell != nil {
			tell(p.name, bytes)
		}
	}
}
