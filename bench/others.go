package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// others measures other tools that are installed: how long one process takes to get the file from
// another on this machine.
var others = map[string]func(ctx context.Context, path, dir, big string) (time.Duration, error){
	"ipfs": kubo,
	"croc": croc,
}

// kubo adds the file to one daemon and gets it through another one, which is connected to it.
func kubo(ctx context.Context, ipfs, dir, big string) (time.Duration, error) {
	var daemons []*process
	defer func() {
		for _, p := range daemons {
			p.stop()
		}
	}()
	repos := []string{filepath.Join(dir, "kubo1"), filepath.Join(dir, "kubo2")}
	for _, repo := range repos {
		port, err := freePort()
		if err != nil {
			return 0, err
		}
		for _, args := range [][]string{
			{"init", "--profile", "test"},
			{"config", "--json", "Addresses.Swarm", fmt.Sprintf(`["/ip4/127.0.0.1/tcp/%d"]`, port)},
		} {
			if _, err := command(ctx, ipfs, append([]string{"--repo-dir", repo}, args...)...); err != nil {
				return 0, err
			}
		}
		p, err := start("kubo", ipfs, "--repo-dir", repo, "daemon", "--offline=false")
		if err != nil {
			return 0, err
		}
		daemons = append(daemons, p)
		err = p.await(ctx, func() error {
			if !strings.Contains(p.output.String(), "Daemon is ready") {
				return errors.New("not ready")
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	added, err := command(ctx, ipfs, "--repo-dir", repos[0], "add", "-Q", "--cid-version=1", big)
	if err != nil {
		return 0, err
	}
	id, err := command(ctx, ipfs, "--repo-dir", repos[0], "id", "-f", "<addrs>")
	if err != nil {
		return 0, err
	}
	if _, err := command(ctx, ipfs, "--repo-dir", repos[1], "swarm", "connect", strings.Fields(id.output)[0]); err != nil {
		return 0, err
	}
	r, err := command(ctx, ipfs, "--repo-dir", repos[1], "get", "-o", filepath.Join(dir, "kubo.out"), strings.TrimSpace(added.output))
	return r.took, err
}

// croc sends the file through a relay of its own to another croc.
func croc(ctx context.Context, path, dir, big string) (time.Duration, error) {
	port, err := freePort()
	if err != nil {
		return 0, err
	}
	relay, err := start("croc relay", path, "relay", "--host", "127.0.0.1", "--ports", fmt.Sprintf("%d,%d,%d", port, port+1, port+2))
	if err != nil {
		return 0, err
	}
	defer relay.stop()
	if err := relay.await(ctx, func() error { return answers(port) }); err != nil {
		return 0, err
	}
	at := fmt.Sprintf("127.0.0.1:%d", port)
	const code = "1234-bench-bench-bench"
	sender, err := start("croc", path, "--yes", "--relay", at, "send", "--no-local", "--code", code, big)
	if err != nil {
		return 0, err
	}
	defer sender.stop()
	out := filepath.Join(dir, "croc")
	if err := os.MkdirAll(out, 0o700); err != nil {
		return 0, err
	}
	r, err := command(ctx, path, "--yes", "--overwrite", "--relay", at, "--out", out, code)
	return r.took, err
}

// equalFiles compares two files byte by byte.
func equalFiles(a, b string) (bool, error) {
	x, err := os.Open(a) //nolint:gosec // the bench's own
	if err != nil {
		return false, err
	}
	defer func() { _ = x.Close() }() // it was opened for reading
	y, err := os.Open(b)             //nolint:gosec // the bench's own
	if err != nil {
		return false, err
	}
	defer func() { _ = y.Close() }() // it was opened for reading
	bufX, bufY := make([]byte, 1<<20), make([]byte, 1<<20)
	for {
		n, errX := io.ReadFull(x, bufX)
		m, errY := io.ReadFull(y, bufY)
		if string(bufX[:n]) != string(bufY[:m]) {
			return false, nil
		}
		ended := func(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
		switch {
		case ended(errX) && ended(errY):
			return true, nil
		case errX != nil || errY != nil:
			return false, errors.Join(errX, errY)
		}
	}
}
