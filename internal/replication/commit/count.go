package commit

import (
	"context"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

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

// Serve counts the durable copies of later blocks: here, or among the holders if this node
// owns them.
func (c *Commits) Serve(ctx context.Context, m *pb.CountCopies) (*pb.FileResponse, error) {
	items := m.GetItems()
	if m.GetHere() || len(items) == 0 {
		out := &pb.Counted{}
		for _, it := range items {
			k, err := c.laterBlock(it)
			if err != nil {
				return nil, err
			}
			out.Copies = append(out.Copies, count(k != nil && k.Complete))
		}
		return &pb.FileResponse{Body: &pb.FileResponse_Counted{Counted: out}}, nil
	}
	s, err := c.cfg.Arc.Serving(ctx, ring.Key(records.ItemPlace(items[0]).Key))
	if err != nil {
		return nil, err
	}
	out := &pb.Counted{Copies: make([]uint32, len(items)), Promised: make([]uint32, len(items))}
	for i, it := range items {
		if key := ring.Key(records.ItemPlace(it).Key); !s.Grants.Owns(key) {
			return nil, c.cfg.Arc.Elsewhere(s.View.Next(key))
		}
		k, err := c.laterBlock(it)
		if err != nil {
			return nil, err
		}
		if k == nil {
			continue // who owns its place has no record of it: there is none
		}
		out.Copies[i], out.Promised[i] = count(k.Complete), c.promised(s, k)
	}
	c.countElsewhere(ctx, s, items, out)
	if !c.cfg.Arc.StillServing(s, ring.Key(records.ItemPlace(items[0]).Key)) {
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
func (c *Commits) promised(s *chord.Snapshot, k *records.Stored) uint32 {
	if s.Grants.Alone() || c.cfg.Arc.Copies(k.RecordBody) < promisedCopies {
		return 1
	}
	return promisedCopies
}

// countElsewhere asks the other holders, the witness first, until it has found as many copies of
// each known block as were promised. It asks peers beyond the holders, too: if the witness is full,
// the bytes are kept at one of them.
func (c *Commits) countElsewhere(ctx context.Context, s *chord.Snapshot, items []*pb.Item, out *pb.Counted) {
	short := func() (ask []*pb.Item, at []int) {
		for i, it := range items {
			if out.Copies[i] < out.Promised[i] {
				ask, at = append(ask, it), append(at, i)
			}
		}
		return ask, at
	}
	for _, h := range c.cfg.Arc.Others(s, ring.Key(records.ItemPlace(items[0]).Key), protocol.MaxCopies) {
		ask, at := short()
		if len(ask) == 0 || ctx.Err() != nil {
			return
		}
		have, err := c.countAt(ctx, h, ask)
		if err != nil {
			continue // it can't be counted on
		}
		for i, has := range have {
			out.Copies[at[i]] += count(has)
		}
	}
	if ask, _ := short(); len(ask) > 0 {
		c.cfg.WakeRepair()
	}
}

// countAt asks one peer which later blocks it has with record and bytes. A peer that does not know
// the request is asked for a list.
func (c *Commits) countAt(ctx context.Context, h ring.Position, items []*pb.Item) ([]bool, error) {
	ctx, cancel := c.cfg.Env.WithTimeout(ctx, c.cfg.Timeout/2)
	defer cancel()
	have := make([]bool, len(items))
	r, err := c.cfg.Call(ctx, peer.ID(h.ID), &pb.FileRequest{Body: &pb.FileRequest_Count{Count: &pb.CountCopies{Items: items, Here: true}}}, nil)
	if err == nil {
		defer r.Close()
		for i, copies := range r.GetCounted().GetCopies() {
			have[i] = copies > 0
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
		found, err := c.cfg.Held.OfKeys(ctx, h, keysOf(some))
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
func (c *Commits) laterBlock(it *pb.Item) (*records.Stored, error) {
	at := records.ItemPlace(it)
	if err := protocol.ValidName(at.Name); err != nil {
		return nil, err
	}
	es, err := c.cfg.Store.Entries(at)
	if err != nil {
		return nil, err
	}
	for _, e := range es {
		if e.Stamp != string(it.GetStamp()) || !e.Counted {
			continue
		}
		if c.cfg.Retracted.Judging(at) {
			return nil, fault.New(fault.TryAgain, "whether block %d of %q is needed is being asked just now; try again", at.Index, at.Name)
		}
		k, err := records.Read(e)
		if err != nil || c.cfg.Retracted.Has(k, c.cfg.Env.Now()) {
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
