package chord

import (
	"context"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// AnnounceDeparture tells the neighbors in a view that this peer is no member any more, and who is
// next to them. When it leaves incomplete, copies of its arc stay behind. A neighbor that misses it
// finds out by itself.
func (d *Driver) AnnounceDeparture(ctx context.Context, v *ring.View, incomplete bool) {
	m := &pb.Depart{From: d.Neighbors(v.State(), true), Incomplete: incomplete}
	group := env.NewGroup(d.env, 0)
	for _, p := range RingNeighbors(v) {
		_ = group.Go(ctx, "announcing the departure", func(context.Context) {
			ctx, cancel := d.env.WithTimeout(ctx, d.cfg.Heartbeat)
			defer cancel()
			_, _ = d.send(ctx, p.ID, &pb.RingRequest{Body: &pb.RingRequest_Depart{Depart: m}})
		})
	}
	group.Wait()
}
