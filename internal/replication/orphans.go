package replication

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// orphansAtOnce is how many records are looked at in one round of the search for orphans: with
// a round every three heartbeats, a million records take some 40 minutes.
const orphansAtOnce = 4096

// orphanLoop searches the store for later blocks that no version of their file uses any more, and
// removes them if the file's owner agrees; see replica.Orphan.
func (n *Node) orphanLoop(ctx context.Context) {
	var cursor *store.Entry
	for env.Sleep(ctx, n.env, 3*n.cfg.Heartbeat) == nil {
		var blocks []store.Entry
		blocks, cursor = n.laterBlocks(cursor)
		n.CollectOrphans(ctx, blocks)
	}
}

// laterBlocks returns the later blocks among the next records after the cursor, and the new cursor,
// which is nil at the end.
func (n *Node) laterBlocks(cursor *store.Entry) (blocks []store.Entry, next *store.Entry) {
	seen := 0
	err := n.store.Scan(records.Everything, cursor, func(e store.Entry) bool {
		if e.Index > 0 {
			blocks = append(blocks, e)
		}
		seen++
		next = &e
		return seen < orphansAtOnce
	})
	if err != nil || seen < orphansAtOnce {
		next = nil
	}
	return blocks, next
}

// CollectOrphans removes those of the blocks that are orphans. It asks for the versions of each
// file once.
func (n *Node) CollectOrphans(ctx context.Context, blocks []store.Entry) {
	type candidate struct {
		store.Entry
		block replica.Block
	}
	files := make(map[string][]candidate)
	for _, e := range blocks {
		k, err := records.Read(e)
		if err != nil {
			continue
		}
		switch block := (replica.Block{Clock: k.GetClock()}); {
		case n.retracted.Has(k, n.env.Now()) || k.GetClock() > replica.MaxClock:
			block.Clock = 0 // as old as can be
			files[e.Name] = append(files[e.Name], candidate{e, block})
		case n.settledBlock(k): // nothing that was written a moment ago is an orphan yet
			files[e.Name] = append(files[e.Name], candidate{e, block})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		some := files[name]
		// Until it is settled whether they are needed, no commit counts on them.
		var done []func()
		for _, c := range some {
			done = append(done, n.retracted.Judge(c.Place))
		}
		versions, err := n.versions(ctx, name)
		for _, c := range some {
			if err == nil && replica.Orphan(c.block, references(versions, c.Entry), n.clocks.Time().Early) {
				n.drop(ctx, c.Entry, func() bool { return true })
			}
		}
		for _, settled := range done {
			settled()
		}
		if err != nil && ctx.Err() != nil {
			return
		}
	}
}

// settledBlock reports whether a block was written long enough ago to be an orphan.
func (n *Node) settledBlock(k records.Stored) bool {
	return replica.Version{Clock: k.GetClock()}.Millis() < n.clocks.Now()-replica.OrphanGraceMillis
}

// references says of each version of a file whether it uses block e.
func references(versions []*protocol.Record, e store.Entry) []replica.Reference {
	var out []replica.Reference
	for _, v := range versions {
		r := replica.Reference{Record: protocol.Lineage(v.RecordBody), Deleted: v.GetDeleted()}
		if int(e.Index) < v.BlockCount() {
			hash, _ := v.BlockAt(int(e.Index))
			r.Uses = bytes.Equal(hash[:], e.Block[:])
		}
		out = append(out, r)
	}
	return out
}

// versions asks the owner of a file for all of its versions, the current one first, tombstones
// included. A file that the ring does not know has none.
func (n *Node) versions(ctx context.Context, name string) ([]*protocol.Record, error) {
	var out []*protocol.Record
	err := n.atOwner(ctx, protocol.Place(name, 0), func(ctx context.Context, to peer.ID) error {
		r, err := n.Call(ctx, to, &pb.FileRequest{Body: &pb.FileRequest_Get{Get: &pb.Get{Name: name, Tombstone: true}}}, nil)
		if fault.CodeOf(err) == fault.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		defer r.Close()
		for _, m := range append([]*pb.Record{r.GetGot().GetRecord()}, r.GetGot().GetSiblings()...) {
			rec, err := protocol.VerifyRecord(m)
			if err != nil || rec.GetName() != name {
				return fault.New(fault.Integrity, "a peer answered with the record of another file")
			}
			out = append(out, rec)
		}
		return nil
	})
	return out, err
}

// dropInvalid removes the records of files whose clocks no version can have. Earlier builds took
// them from anybody; nothing could replace them, and no peer takes them any more.
func (n *Node) dropInvalid(ctx context.Context) {
	var invalid []store.Entry
	err := n.store.Scan(records.Everything, nil, func(e store.Entry) bool {
		if v, err := replica.ParseStamp(e.Stamp); e.Index > 0 || err != nil || v.Clock <= replica.MaxClock {
			return ctx.Err() == nil
		}
		if k, err := records.Read(e); err == nil && !protocol.Lineage(k.RecordBody).ValidClock() {
			invalid = append(invalid, e)
		}
		return ctx.Err() == nil
	})
	if err != nil {
		log.Warnw("looking for records that are not valid", "err", err)
	}
	for _, e := range invalid {
		n.removeInvalid(ctx, e)
	}
}

// removeInvalid removes a record that is not valid.
func (n *Node) removeInvalid(ctx context.Context, e store.Entry) {
	log.Warnw("a record that is not valid, which no peer would take, is removed", "name", e.Name)
	n.drop(ctx, e, func() bool { return true })
}

// A put that is refused for want of space leaves the blocks that were stored before. They are
// orphans, which would go after a day; their writer gives them up at once. See docs/decisions/0108.

// retractTime bounds what a put that has failed still does.
const retractTime = 5 * time.Second

// serveRetract takes later blocks that their writer retracts for orphans, and tells the other
// holders.
func (n *Node) serveRetract(ctx context.Context, from peer.ID, r *pb.Retract) (*pb.FileResponse, error) {
	s := n.ring.Snapshot()
	if r.GetTold() {
		if err := n.peers.CheckMember(ctx, from); err != nil {
			return nil, err
		}
	}
	told := make(map[ring.Position][]*pb.Record)
	var blocks []store.Entry
	for _, m := range r.GetRecords() {
		rec, err := protocol.VerifyRecord(m)
		switch {
		case err != nil:
			return nil, err
		case rec.GetIndex() == 0:
			return nil, fault.New(fault.Usage, "a file is deleted, not given up")
		case peer.ID(rec.GetWriter()) != from && !r.GetTold():
			return nil, fault.New(fault.NotAllowed, "a block is given up by its writer only")
		}
		n.retracted.Add(rec, n.env.Now())
		es, err := n.store.Entries(records.PlaceOf(rec.RecordBody))
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, es...)
		if !r.GetTold() {
			for _, h := range n.others(s, rec.Key(), n.copiesOf(rec.RecordBody)) {
				told[h] = append(told[h], m)
			}
		}
	}
	for _, h := range slices.SortedFunc(maps.Keys(told), ring.Position.Compare) {
		retracted := told[h]
		n.env.Go("passing on what is given up", func(ctx context.Context) {
			ctx, cancel := n.env.WithTimeout(ctx, retractTime)
			defer cancel()
			req := &pb.FileRequest{Body: &pb.FileRequest_Retract{Retract: &pb.Retract{Records: retracted, Told: true}}}
			if r, err := n.Call(ctx, peerID(h), req, nil); err == nil {
				r.Close()
			} // else its blocks go after a day
		}, nil)
	}
	n.env.Go("collecting blocks", func(ctx context.Context) { n.CollectOrphans(ctx, blocks) }, nil)
	return &pb.FileResponse{}, ctx.Err()
}
