package orphans

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// A put that is refused for want of space leaves the blocks that were stored before. They are
// orphans, which would go after a day; their writer gives them up at once. See docs/decisions/0108.

// retractTime bounds what a put that has failed still does.
const retractTime = 5 * time.Second

// Serve takes later blocks that their writer retracts for orphans, and tells the other
// holders.
func (c *Collector) Serve(ctx context.Context, from peer.ID, r *pb.Retract) (*pb.FileResponse, error) {
	s := c.cfg.Ring.Snapshot()
	if r.GetTold() {
		if err := c.cfg.Peers.CheckMember(ctx, from); err != nil {
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
		c.cfg.Retracted.Add(rec, c.cfg.Env.Now())
		es, err := c.cfg.Store.Entries(records.PlaceOf(rec.RecordBody))
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, es...)
		if !r.GetTold() {
			for _, h := range c.cfg.Arc.Others(s, rec.Key(), c.cfg.Arc.Copies(rec.RecordBody)) {
				told[h] = append(told[h], m)
			}
		}
	}
	for _, h := range slices.SortedFunc(maps.Keys(told), ring.Position.Compare) {
		retracted := told[h]
		c.cfg.Env.Go("passing on what is given up", func(ctx context.Context) {
			ctx, cancel := c.cfg.Env.WithTimeout(ctx, retractTime)
			defer cancel()
			req := &pb.FileRequest{Body: &pb.FileRequest_Retract{Retract: &pb.Retract{Records: retracted, Told: true}}}
			if r, err := c.cfg.Call(ctx, peer.ID(h.ID), req, nil); err == nil {
				r.Close()
			} // else its blocks go after a day
		}, nil)
	}
	c.cfg.Env.Go("collecting blocks", func(ctx context.Context) { c.Collect(ctx, blocks) }, nil)
	return &pb.FileResponse{}, ctx.Err()
}
