package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/p2pchord/p2pchord/gateway/client"
	"github.com/p2pchord/p2pchord/node"
)

// bench is one run: the state that all rounds share, and their measurements.
type bench struct {
	settings
	dir   string
	taken *samples

	served string // the folder that the baselines serve
	tools  map[string]string
	web    *webServer
	sync   *process
	source string // rsync's URL
	raw    *process
	peer   string // the raw server's address
}

// prepare starts the baselines.
func (b *bench) prepare(ctx context.Context) error {
	b.served = filepath.Join(b.dir, "served")
	if err := os.MkdirAll(b.served, 0o700); err != nil {
		return err
	}
	b.tools = map[string]string{}
	for _, name := range []string{"nginx", "curl", "rsync", "ipfs", "croc"} {
		path, err := exec.LookPath(name)
		if err != nil && name == "nginx" {
			path, err = exec.LookPath("/usr/sbin/nginx")
		}
		if err == nil {
			b.tools[name] = path
		}
	}
	var err error
	if b.tools["nginx"] != "" && b.tools["curl"] != "" {
		if b.web, err = startNginx(ctx, b.tools["nginx"], filepath.Join(b.dir, "nginx"), b.served); err != nil {
			return err
		}
	}
	if b.tools["rsync"] != "" {
		if b.sync, b.source, err = startRsync(ctx, b.tools["rsync"], b.dir, b.served); err != nil {
			return err
		}
	}
	return b.startRaw(ctx)
}

func (b *bench) startRaw(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if b.raw, err = start("raw libp2p", self, rawVerb, "serve"); err != nil {
		return err
	}
	return b.raw.await(ctx, func() error {
		if b.peer = strings.TrimSpace(b.raw.output.String()); !strings.HasPrefix(b.peer, "/") {
			return errors.New("no address yet")
		}
		return nil
	})
}

// close ends the baselines.
func (b *bench) close() {
	if b.web != nil {
		b.web.stop()
	}
	for _, p := range []*process{b.sync, b.raw} {
		if p != nil {
			p.stop()
		}
	}
}

// round measures everything once, with a ring of its own.
func (b *bench) round(ctx context.Context, i int) error {
	dir := filepath.Join(b.dir, fmt.Sprintf("round%d", i+1))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // room for the next round
	big := filepath.Join(b.served, "big")
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any number
	if err := errors.Join(randomFile(big, b.size, seed), smallFiles(filepath.Join(dir, "small"), b.files, b.small, seed)); err != nil {
		return err
	}
	if b.measures("node") {
		if err := b.throughNode(ctx, filepath.Join(dir, "first"), big); err != nil {
			return fmt.Errorf("node: %w", err)
		}
	}
	if b.measures("private") {
		if err := b.encrypted(ctx, dir, big); err != nil {
			return fmt.Errorf("private: %w", err)
		}
	}
	if b.only == "private" || b.only == "node" {
		return nil
	}
	r, err := startRing(ctx, b.binary, dir)
	if err != nil {
		return err
	}
	defer r.stop(func(name string, bytes int64) { b.taken.memory(name, bytes) })
	for _, part := range []struct {
		name    string
		measure func(ctx context.Context, r *ring, dir, big string) error
	}{{"baselines", b.baselines}, {"large", b.large}, {"many", b.many}, {"latency", b.latency}} {
		if !b.measures(part.name) {
			continue
		}
		if err := part.measure(ctx, r, dir, big); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// measures reports whether a part of a round is wanted.
func (b *bench) measures(part string) bool {
	return b.only == "" || slices.Contains(strings.Split(b.only, ","), part)
}

// throughNode puts the large file through a member of the ring, and gets it through another one
// that holds it. It uses a new ring because equal bytes are not sent twice.
func (b *bench) throughNode(ctx context.Context, dir, big string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // room for what follows
	r, err := startRing(ctx, b.binary, dir)
	if err != nil {
		return err
	}
	defer r.stop(func(name string, bytes int64) { b.taken.memory(name, bytes) })
	before := r.cpu()
	put, err := command(ctx, b.binary, "put", big, "--data", r.folders[0], "--quiet")
	if err != nil {
		return err
	}
	b.taken.command(rowPutNode, put, r.cpu()-before)
	if err := r.whole(ctx, b.size); err != nil {
		return err
	}
	out := filepath.Join(dir, "out")
	before = r.cpu()
	get, err := command(ctx, b.binary, "get", "big", "-o", out, "--data", r.folders[1], "--quiet")
	if err != nil {
		return err
	}
	b.taken.command(rowGetNode, get, r.cpu()-before)
	return nil
}

// baselines measures what others do.
func (b *bench) baselines(ctx context.Context, _ *ring, dir, big string) error {
	out := filepath.Join(dir, "out")
	if b.sync != nil {
		_ = os.Remove(out) // otherwise it would be compared
		r, err := command(ctx, b.tools["rsync"], "--whole-file", b.source+"big", out)
		if err != nil {
			return err
		}
		b.taken.command(rowRsync, r, 0)
	}
	_ = os.Remove(out)
	for name, row := range map[string]string{"ipfs": rowKubo, "croc": rowCroc} {
		if b.tools[name] == "" {
			continue
		}
		took, err := others[name](ctx, b.tools[name], dir, big)
		if err != nil {
			return err
		}
		b.taken.time(row, took)
	}
	before := cpuOf(b.raw.cmd.Process.Pid)
	r, err := b.fetchRaw(ctx, b.size, 1)
	if err != nil {
		return err
	}
	b.taken.command(rowRaw, r, cpuOf(b.raw.cmd.Process.Pid)-before)
	took, err := diskTime(big, out)
	if err != nil {
		return err
	}
	b.taken.time(rowDisk, took)
	return nil
}

func (b *bench) fetchRaw(ctx context.Context, size int64, count int) (ran, error) {
	self, err := os.Executable()
	if err != nil {
		return ran{}, err
	}
	return command(ctx, self, rawVerb, "fetch", "-addr", b.peer, "-size", fmt.Sprint(size), "-count", fmt.Sprint(count))
}

// large puts and gets the large file.
func (b *bench) large(ctx context.Context, r *ring, dir, big string) error {
	began := time.Now()
	put, err := r.verb(ctx, "put", big)
	if err != nil {
		return err
	}
	b.taken.command(rowPut, put, 0)
	b.taken.memory("put", put.peak)
	if err := r.whole(ctx, b.size); err != nil {
		return err
	}
	b.taken.time(rowThird, time.Since(began))
	null, err := r.verb(ctx, "get", "big", "-o", os.DevNull)
	if err != nil {
		return err
	}
	b.taken.command(rowGetNull, null, 0)
	b.taken.memory("get", null.peak)
	return b.toFile(ctx, r, dir, big)
}

// toFile gets the large file with curl and from the ring, side by side: the time to write 1 GiB to
// a file depends mostly on the state of the machine's memory. They take turns in going first, and
// neither reuses the memory that the other has released.
func (b *bench) toFile(ctx context.Context, r *ring, dir, big string) error {
	out, other := filepath.Join(dir, "out"), filepath.Join(dir, "curl.out")
	curl := func() error {
		if b.web == nil {
			return nil
		}
		before := b.web.cpu()
		got, err := b.web.fetch(ctx, b.tools["curl"], "big", other)
		if err != nil {
			return err
		}
		b.taken.command(rowCurl, got, b.web.cpu()-before)
		return nil
	}
	get := func() error {
		got, err := r.verb(ctx, "get", "big", "-o", out)
		if err != nil {
			return err
		}
		b.taken.command(rowGet, got, 0)
		b.taken.memory("get", got.peak)
		return nil
	}
	steps := []func() error{curl, get}
	if b.rounds%2 == len(b.taken.times[rowGet])%2 {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	same, err := equalFiles(out, big)
	if err == nil && !same {
		err = errors.New("the file that came back differs")
	}
	_ = os.Remove(other) // there is none without curl
	return errors.Join(err, os.Remove(out))
}

// many puts and gets the small files.
func (b *bench) many(ctx context.Context, r *ring, dir, _ string) error {
	put, err := r.verb(ctx, "put", "-r", filepath.Join(dir, "small"))
	if err != nil {
		return err
	}
	b.taken.command(rowPutMany, put, 0)
	b.taken.memory("put -r", put.peak)
	to := filepath.Join(dir, "back")
	get, err := r.verb(ctx, "get", "-r", "small/", "-o", to)
	if err != nil {
		return err
	}
	b.taken.command(rowGetMany, get, 0)
	b.taken.memory("get -r", get.peak)
	n, err := countFiles(to, b.small)
	if err == nil && n != b.files {
		err = fmt.Errorf("%d of %d small files came back", n, b.files)
	}
	return err
}

// latency measures the get of one small file through a running node.
func (b *bench) latency(ctx context.Context, r *ring, _, _ string) error {
	raw, err := b.fetchRaw(ctx, int64(b.small), b.requests)
	if err != nil {
		return err
	}
	ns, err := strconv.ParseInt(strings.TrimSpace(raw.output), 10, 64)
	if err != nil {
		return err
	}
	b.taken.time(rowAsk, time.Duration(ns))
	// Through each node in turn: one of them owns the file, the others have to ask.
	var took []time.Duration
	for _, dir := range r.folders {
		some, err := r.latencies(ctx, dir, "small/00000.bin", b.requests/len(r.folders)+1)
		if err != nil {
			return err
		}
		took = append(took, some...)
	}
	slices.Sort(took)
	b.taken.time(rowGetOne, took[len(took)/2])
	return nil
}

// latencies gets one file repeatedly over one node's socket.
func (r *ring) latencies(ctx context.Context, dir, name string, count int) ([]time.Duration, error) {
	c, err := r.api(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	var took []time.Duration
	for range count {
		began := time.Now()
		if err := drain(ctx, c, name); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

func drain(ctx context.Context, c *client.Client, name string) error {
	f, err := c.Get(ctx, name, node.GetOptions{})
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, f)
	return errors.Join(err, f.Close())
}
