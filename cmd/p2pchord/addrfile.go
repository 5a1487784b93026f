package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// dropAddrs removes the file of an earlier run: while it is there, the peer is ready.
func dropAddrs(path string) error {
	if path == "" {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Failed, "can't replace --addr-file %s: %w", path, fault.Reason(err))
	}
	return nil
}

// writeAddrs puts a peer's addresses into a file, one a line. The file appears by
// rename: who sees it sees all of it, and the peer is ready.
func writeAddrs(path string, addrs []ma.Multiaddr) error {
	if path == "" {
		return nil
	}
	// 0644: addresses are for others to read.
	if err := durable.WriteFile(path, []byte(strings.Join(texts(addrs), "\n")+"\n"), 0o644); err != nil {
		return fault.New(fault.Failed, "can't write --addr-file %s: %w", path, fault.Reason(err))
	}
	return nil
}

func texts(addrs []ma.Multiaddr) []string {
	out := make([]string, 0, len(addrs))
	for _, m := range addrs {
		out = append(out, m.String())
	}
	return out
}
