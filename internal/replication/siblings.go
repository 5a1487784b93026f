package replication

import (
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// maxSiblingBytes bounds the siblings in one answer, which has the current record beside them.
const maxSiblingBytes = protocol.MaxFileMessage - protocol.MaxRecord - protocol.MaxPeers*protocol.MaxKeptPeer - 64<<10

// siblingsOf are the versions in ks beside k, the greatest first, as many as an answer may have. A member can hand over more than
// that; the file must stay readable, and can be deleted. all is false when some are left out.
func siblingsOf(ks []storedRecord, k storedRecord) (siblings []*pb.Record, all bool) {
	size := 0
	for _, other := range ks {
		if other.entry.Stamp == k.entry.Stamp {
			continue
		}
		size += proto.Size(other.message)
		if len(siblings) == protocol.MaxSiblings || size > maxSiblingBytes {
			return siblings, false
		}
		siblings = append(siblings, other.message)
	}
	return siblings, true
}

// errTooManyVersions answers a holder that asks which versions use a block: it must not take one that is left out for none.
var errTooManyVersions = fault.New(fault.TryAgain, "the file has more versions than an answer may name")
