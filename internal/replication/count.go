package replication

import (
	"context"
	"slices"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// Before the record of a file is acknowledged its owner has the copies of the later blocks counted,
// by the blocks' own owners. See docs/decisions/0108.

// promisedCopies is how many durable copies the acknowledgement of a record stands for: those of
// owner and witness.
const promisedCopies = 2

// serveCount counts the durable copies of later blocks: here, or among the holders if this node
// owns them.
func (n *Node) serveCount(ctx context.Context, c *pb.CountCopies) (*pb.FileResponse, error) {
	items := c.GetItems()
	if c.GetHere() || len(items) == 0 {
		out := &pb.Counted{}
		for _, it := range items {
			k, err := n.laterBlock(it)
			if err != nil {
				return nil, err
			}
			out.Copies = append(out.Copies, count(k != nil && k.Complete))
		}
		return &pb.FileResponse{Body: &pb.FileResponse_Counted{Counted: out}}, nil
	}
	s, err := n.serving(ctx, ring.Key(records.ItemPlace(items[0]).Key))
	if err != nil {
		return nil, err
	}
	out := &pb.Counted{Copies: make([]uint32, len(items)), Promised: make([]uint32, len(items))}
	for i, it := range items {
		if key := ring.Key(records.ItemPlace(it).Key); !s.Grants.Owns(key) {
			return nil, n.elsewhere(s.View.Next(key))
		}
		k, err := n.laterBlock(it)
		if err != nil {
			return nil, err
		}
		if k == nil {
			continue // who owns its place has no record of it: there is none
		}
		out.Copies[i], out.Promised[i] = count(k.Complete), n.promised(s, k)
	}
	n.countElsewhere(ctx, s, items, out)
	if !n.stillServing(s, ring.Key(records.ItemPlace(items[0]).Key)) {
		return nil, fault.New(fault.TryAgain, "this part of the ring is changing; try again")
	}
	return &pb.FileResponse{Body: &pb.FileResponse_Counted{Counted: out}}, nil
}

func count(have bool) uint32 {
	if have {
		return 1
	}
	return 0
}

// promised is how many copies the acknowledgement of a block stood for, in a ring of this size.
func (n *Node) promised(s *chord.Snapshot, k *records.Stored) uint32 {
	if s.Grants.Alone() || n.copiesOf(k.RecordBody) < promisedCopies {
		return 1
	}
	return promisedCopies
}

// countElsewhere asks the other holders, the witness first, until it has found as many copies of
// each known block as were promised. It asks peers beyond the holders, too: if the witness is full,
// the bytes are kept at one of them.
func (n *Node) countElsewhere(ctx context.Context, s *chord.Snapshot, items []*pb.Item, out *pb.Counted) {
	short := func() (ask []*pb.Item, at []int) {
		for i, it := range items {
			if out.Copies[i] < out.Promised[i] {
				ask, at = append(ask, it), append(at, i)
			}
		}
		return ask, at
	}
	for _, h := range n.others(s, ring.Key(records.ItemPlace(items[0]).Key), maxCopies) {
		ask, at := short()
		if len(ask) == 0 || ctx.Err() != nil {
			return
		}
		have, err := n.countAt(ctx, h, ask)
		if err != nil {
			continue // it can't be counted on
		}
		for i, has := range have {
			out.Copies[at[i]] += count(has)
		}
	}
	if ask, _ := short(); len(ask) > 0 {
		n.WakeRepair()
	}
}

// countAt asks one peer which later blocks it has with record and bytes. A peer that does not know
// the request is asked for a list.
func (n *Node) countAt(ctx context.Context, h ring.Position, items []*pb.Item) ([]bool, error) {
	ctx, cancel := n.env.WithTimeout(ctx, n.cfg.Timeout/2)
	defer cancel()
	have := make([]bool, len(items))
	r, err := n.Call(ctx, peerID(h), &pb.FileRequest{Body: &pb.FileRequest_Count{Count: &pb.CountCopies{Items: items, Here: true}}}, nil)
	if err == nil {
		defer r.Close()
		for i, c := range r.GetCounted().GetCopies() {
			have[i] = c > 0
		}
		return have, nil
	}
	if fault.CodeOf(err) != fault.Usage {
		return nil, err
	}
	listed := make(map[records.ID]bool)
	for part := items; len(part) > 0; {
		some := part[:min(len(part), keysAtOnce)]
		part = part[len(some):]
		found, err := n.held.OfKeys(ctx, h, keysOf(some))
		if err != nil {
			return nil, err
		}
		for _, it := range found {
			listed[records.OfItem(it)] = it.GetComplete()
		}
	}
	for i, it := range items {
		have[i] = listed[records.OfItem(it)]
	}
	return have, nil
}

// laterBlock returns the record of a later block that counts here; nil if there is none, or its
// writer has retracted it.
func (n *Node) laterBlock(it *pb.Item) (*records.Stored, error) {
	at := records.ItemPlace(it)
	if err := protocol.ValidName(at.Name); err != nil {
		return nil, err
	}
	es, err := n.store.Entries(at)
	if err != nil {
		return nil, err
	}
	for _, e := range es {
		if e.Stamp != string(it.GetStamp()) || !e.Counted {
			continue
		}
		if n.retracted.Judging(at) {
			return nil, fault.New(fault.TryAgain, "whether block %d of %q is needed is being asked just now; try again", at.Index, at.Name)
		}
		k, err := records.Read(e)
		if err != nil || n.retracted.Has(k, n.env.Now()) {
			return nil, err
		}
		return &k, nil
	}
	return nil, nil
}

// laterItem names a later block of a file.
func laterItem(rec *protocol.Record, index int) *pb.Item {
	hash, _ := rec.BlockAt(index)
	return &pb.Item{Name: rec.GetName(), Index: uint32(index), Stamp: hash[:]} //nolint:gosec // bounded by the check of the record
}

// keysAtOnce bounds the keys that are listed in one request.
const keysAtOnce = 256

// keysOf are the keys of items, ascending, each once.
func keysOf(items []*pb.Item) []uint32 {
	keys := make([]uint32, len(items))
	for i, it := range items {
		keys[i] = uint32(records.ItemPlace(it).Key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
