package node

import (
	"context"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
)

// A holder whose store is full still takes records: a few hundred bytes, without which
// it could be no witness. The bytes go to somebody else, or come when there is room.
// See docs/decisions/0073.

// sendBare gives the witness a record without its bytes, under the grant.
func (n *Node) sendBare(ctx context.Context, g replica.Grant, rec *protocol.Record) error {
	return n.sendStore(ctx, g.From, rec, &pb.Store{Record: rec.Message, Grant: grantMessage(g.ID), RecordOnly: true}, nil)
}

// sendElsewhere gives a record whose witness has no room for its bytes to the nearest other peer that has, so that two
// have them. There the copy stays until the holders have theirs.
func (n *Node) sendElsewhere(ctx context.Context, r *round, rec *protocol.Record, b *block, s *snapshot) error {
	var last error
	for _, h := range n.others(s, rec.Key(), maxCopies) {
		if h == r.witness {
			continue
		}
		if last = n.sendStore(ctx, h, rec, &pb.Store{Record: rec.Message}, b.bytes()); last == nil {
			r.durable = append(r.durable, h)
			return nil
		}
	}
	if last == nil {
		last = fault.New(fault.NoSpace, "there is no other peer")
	}
	return fault.New(fault.Uncertain, "only one peer has room for the file, so it is uncertain whether it stays; make room or add a peer, then put it again: %w", last)
}

// hasRoom reports whether the store would take a block of size bytes now.
func (n *Node) hasRoom(size int64) bool {
	u := n.store.Usage()
	return (u.CapacityBytes == 0 || u.UsedBytes+size <= u.CapacityBytes) && (u.FreeDiskBytes < 0 || u.FreeDiskBytes >= size)
}
