package node

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/store"
)

func hexClock(clock uint64) string {
	s := strconv.FormatUint(clock, 16)
	return strings.Repeat("0", 16-len(s)) + s
}

// parseVersion reads what versionText writes.
func parseVersion(s string) (replica.Version, error) {
	clock, writer, ok := strings.Cut(s, ".")
	if ok && len(clock) == 16 {
		c, err := strconv.ParseUint(clock, 16, 64)
		id, derr := peer.Decode(writer)
		if err == nil && derr == nil {
			return replica.Version{Clock: c, Writer: string(id)}, nil
		}
	}
	return replica.Version{}, fault.New(fault.Usage, "%q is no version: take it as stat shows it", s)
}

func hexHash(h store.Hash) string { return hex.EncodeToString(h[:]) }
