package replication

import (
	"context"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/store"
)

// A holder whose store is full still takes records, as far as the part of its capacity goes that blocks leave to them:
// a few hundred bytes, without which it could be no witness. The bytes go to somebody else, or come when there is room.
// See docs/decisions/0109.

// sendBare gives the witness a record without its bytes, under the grant.
func (n *Node) sendBare(ctx context.Context, g replica.Grant, rec *protocol.Record) error {
	return n.sendStore(ctx, g.From, rec, &pb.Store{Record: rec.Message, Grant: protocol.GrantMessage(g.ID), RecordOnly: true}, nil)
}

// takeBack ends a put whose witness has no room even for the record. If nobody else has it and it has replaced nothing,
// it is removed here again, and nothing of the put is anywhere. Otherwise it stays, and is read when there is room.
func (n *Node) takeBack(ctx context.Context, r *round, rec *protocol.Record) error {
	r.awaitOthers(ctx, -1)
	taken := false
	if r.left == 0 && len(r.durable) == 1 {
		stamp := protocol.StampOf(rec)
		_, err := n.store.Update(ctx, place(rec.RecordBody), func(es []store.Entry) ([]store.Entry, error) {
			taken = len(es) == 1 && es[0].Stamp == stamp && len(rec.GetAncestors()) == 0
			if taken {
				return nil, nil
			}
			return es, nil
		})
		taken = taken && err == nil
	}
	if !taken {
		return fault.New(fault.Uncertain, "the predecessor has no room for the record of %q, so it is uncertain whether it is stored; make room there, then put it again", rec.GetName())
	}
	return fault.New(fault.NoSpace, "the store of the owner's predecessor is full, so %q is not stored; delete files or raise its capacity", rec.GetName())
}

// sendElsewhere gives a record whose witness has no room for its bytes to the nearest other peer that has, so that two
// have them. There the copy stays until the holders have theirs.
func (n *Node) sendElsewhere(ctx context.Context, r *round, rec *protocol.Record, b *block, s *chord.Snapshot) error {
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

// noSpaceHere is what an owner or a witness says of err, a failed write. With a disk that is full to
// the last it is about to step aside, and another peer takes its place.
func (n *Node) noSpaceHere(err error) error {
	if fault.CodeOf(err) != fault.NoSpace || n.ring.Snapshot().Grants.Alone() || !n.stepsAside() {
		return err
	}
	return fault.New(fault.TryAgain, "the disk of this peer is full, so that it steps aside: try again")
}
