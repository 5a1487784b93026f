package transfer

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
)

// Describe returns what a record says of its file. copies is how many are known.
func Describe(b *pb.RecordBody, copies int) FileInfo {
	return FileInfo{
		Name: b.GetName(), Key: uint16(protocol.Place(b.GetName(), 0)), Size: int64(b.GetSize()), //nolint:gosec // checked by VerifyRecord
		Hash: hex.EncodeToString(b.GetHash()), Version: versionText(protocol.Lineage(b).Version),
		Modified: protocol.ModifiedTime(b), Mode: Mode(b.GetMode()), Copies: copies,
	}
}

// versionText writes a version for people and scripts: the clock in hex, a dot, and the writer's
// peer ID.
func versionText(v replica.Version) string {
	return fmt.Sprintf("%016x.%s", v.Clock, peer.ID(v.Writer))
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
