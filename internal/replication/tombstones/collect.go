package tombstones

import (
	"context"
	"maps"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/replication/arc"
	"github.com/p2pchord/p2pchord/internal/replication/inventory"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// Find returns the tombstones of this node's arc that are the only record of their file.
func (c *Collector) Find(s *chord.Snapshot) []store.Entry {
	var out []store.Entry
	for _, span := range arc.Spans(s) {
		var last store.Place
		err := c.cfg.Store.Scan(span, nil, func(e store.Entry) bool {
			if e.Index > 0 || !e.Counted {
				return true
			}
			if e.Place == last { // two versions stand
				if l := len(out); l > 0 && out[l-1].Place == last {
					out = out[:l-1]
				}
				return true
			}
			last = e.Place
			if records.Deleted(e) {
				out = append(out, e)
			}
			return true
		})
		if err != nil {
			log.Warnw("looking for tombstones", "err", err)
			return nil
		}
	}
	return out
}

// Collect follows a round of repair in which all holders have agreed; dead are the
// tombstones before the round. It removes those that every holder has had for the grace period: at
// the other holders first, then here. See "Delete" in docs/replication.md.
func (c *Collector) Collect(ctx context.Context, s *chord.Snapshot, dead []store.Entry) {
	now, sure, unbroken := c.cfg.Clocks.Now(), c.cfg.Clocks.Time().Early, c.cfg.Unbroken()
	var due []store.Entry
	full := make(map[string]int64, len(dead))
	c.mu.Lock()
	for _, e := range dead {
		g := tombstoneID(e)
		since, known := c.full[g]
		if !known || since > now { // or it was noted while the clock was ahead
			since = now
		}
		full[g] = since
		v, err := replica.ParseStamp(e.Stamp)
		// A tombstone that was written while clocks were ahead, so that no holder would remove it
		// yet, doesn't delay the others.
		if err == nil && unbroken > 0 && c.grace().Expired(v, sure) && c.grace().Collectable([]replica.Reference{{Deleted: true}}, max(since, unbroken), sure) {
			due = append(due, e)
		}
	}
	c.changed = c.changed || !maps.Equal(full, c.full)
	c.full = full
	c.mu.Unlock()
	if len(due) > 0 && c.cfg.Arc.GrantStands(ctx, s) {
		for _, h := range c.cfg.Arc.AllHolders(s) {
			if err := c.send(ctx, h, due); err != nil {
				log.Debugw("collecting tombstones", "holder", peer.ID(h.ID), "err", err)
				// The next round gives them back to those that have removed them, and tries again.
				return
			}
		}
		for _, e := range due {
			if c.cfg.Arc.StillServing(s, ring.Key(e.Key)) {
				c.cfg.Drop(ctx, e)
				c.startOver(tombstoneID(e))
			}
		}
		log.Infow("deletes forgotten", "files", len(due))
	}
	c.save()
}

// send asks a holder to remove tombstones.
func (c *Collector) send(ctx context.Context, h ring.Position, due []store.Entry) error {
	for len(due) > 0 {
		m := &pb.Collect{}
		for _, e := range due[:min(len(due), inventory.MaxItems)] {
			m.Items = append(m.Items, records.Item(e))
		}
		due = due[len(m.Items):]
		r, err := c.cfg.Call(ctx, peer.ID(h.ID), &pb.FileRequest{Body: &pb.FileRequest_Collect{Collect: m}}, nil)
		if err != nil {
			return err
		}
		r.Close()
	}
	return nil
}
