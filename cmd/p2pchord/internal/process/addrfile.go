package process

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// RemoveAddrFile removes the file of an earlier run: its presence says that the peer is ready.
func RemoveAddrFile(path string) error {
	if path == "" {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Failed, "can't replace --addr-file %s: %w", path, fault.Reason(err))
	}
	return nil
}

// WriteAddrFile writes a peer's addresses into a file, one a line. The file appears by rename:
// whoever sees it sees all of it, and the peer is ready.
func WriteAddrFile(path string, addrs []ma.Multiaddr) error {
	if path == "" {
		return nil
	}
	// 0644: other users may read the addresses.
	if err := durable.WriteFile(path, []byte(strings.Join(Texts(addrs), "\n")+"\n"), 0o644); err != nil {
		return fault.New(fault.Failed, "can't write --addr-file %s: %w", path, fault.Reason(err))
	}
	return nil
}

// Texts returns multiaddrs as text.
func Texts(addrs []ma.Multiaddr) []string {
	out := make([]string, 0, len(addrs))
	for _, m := range addrs {
		out = append(out, m.String())
	}
	return out
}
