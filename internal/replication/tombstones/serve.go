package tombstones

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// Serve removes tombstones when their owner asks for it: those that are the only record of
// their file here too, and old enough by the clock of this node.
func (c *Collector) Serve(ctx context.Context, from peer.ID, m *pb.Collect) (*pb.FileResponse, error) {
	if err := c.cfg.Peers.CheckMember(ctx, from); err != nil {
		return nil, err
	}
	v := c.cfg.Ring.Snapshot().View
	for _, it := range m.GetItems() {
		if owner, _ := v.Holders(ring.Key(records.ItemPlace(it).Key), 1); len(owner) == 0 || owner[0].ID != ring.ID(from) {
			return nil, fault.New(fault.NotAllowed, "deletes are forgotten at the word of their owner, and %s is not the owner of %q", from, it.GetName())
		}
	}
	for _, it := range m.GetItems() {
		stamp := string(it.GetStamp())
		_, err := c.cfg.Store.Update(ctx, records.ItemPlace(it), func(es []store.Entry) ([]store.Entry, error) {
			count, quarantined := records.Counted(es)
			switch {
			case len(count) == 0:
				return es, nil // gone already
			case len(count) > 1 || count[0].Stamp != stamp || !records.Deleted(count[0]):
				return nil, fault.New(fault.NotAllowed, "another version of %q stands here", it.GetName())
			}
			if v, err := replica.ParseStamp(stamp); err != nil || !c.grace().Expired(v, c.cfg.Clocks.Time().Early) {
				return nil, fault.New(fault.NotAllowed, "%q was deleted too short a time ago by this node's clock", it.GetName())
			}
			return quarantined, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return &pb.FileResponse{}, nil
}
