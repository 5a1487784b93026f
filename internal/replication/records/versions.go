package records

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/store"
)

// Covering returns the record here that makes a copy with this stamp unnecessary; see
// replica.Covering. For a later block that is the same record.
func Covering(ks []Stored, at store.Place, stamp string) (Stored, bool) {
	if at.Index > 0 {
		i := slices.IndexFunc(ks, func(k Stored) bool { return k.Entry.Stamp == stamp })
		if i < 0 {
			return Stored{}, false
		}
		return ks[i], true
	}
	v, err := replica.ParseStamp(stamp)
	if err != nil {
		return Stored{}, false
	}
	records := make([]replica.Record, len(ks))
	for i, k := range ks {
		records[i] = protocol.Lineage(k.RecordBody)
	}
	i, ok := replica.Covering(records, v)
	if !ok {
		return Stored{}, false
	}
	return ks[i], true
}

// AnyReplaces reports whether one of the entries replaces the version with this stamp.
func AnyReplaces(ours []store.Entry, at store.Place, stamp string) bool {
	v, err := replica.ParseStamp(stamp)
	if at.Index > 0 || err != nil {
		return false
	}
	return slices.ContainsFunc(ours, func(e store.Entry) bool {
		k, err := Read(e)
		return err == nil && protocol.Lineage(k.RecordBody).Supersedes(v)
	})
}

// Choose returns the version asked for, or the current one if none is named. A tombstone counts
// only if it is asked for.
func Choose(ks []Stored, wanted *pb.Version, tombstone bool) (Stored, error) {
	for _, k := range ks {
		if wanted != nil && protocol.Version(wanted).Stamp() != k.Entry.Stamp {
			continue
		}
		if k.GetDeleted() && !tombstone {
			break
		}
		return k, nil
	}
	return Stored{}, ErrGone
}

// maxSiblingBytes bounds the siblings in one answer, which has the current record beside them.
const maxSiblingBytes = protocol.MaxFileMessage - protocol.MaxRecord - protocol.MaxPeers*protocol.MaxKeptPeer - 64<<10

// Siblings are the versions in ks other than k, the greatest first, as many as fit into an
// answer. A member may hand over more than that; the file must stay readable, and can be deleted.
// all is false if some are left out.
func Siblings(ks []Stored, k Stored) (siblings []*pb.Record, all bool) {
	size := 0
	for _, other := range ks {
		if other.Entry.Stamp == k.Entry.Stamp {
			continue
		}
		size += proto.Size(other.Message)
		if len(siblings) == protocol.MaxSiblings || size > maxSiblingBytes {
			return siblings, false
		}
		siblings = append(siblings, other.Message)
	}
	return siblings, true
}

// ErrGone is the answer about a file that does not exist.
var ErrGone = fault.New(fault.NotFound, "no such file in the ring")
