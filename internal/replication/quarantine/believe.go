package quarantine

import (
	"context"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// Believe takes in, before the arc is served, what is in quarantine here and at others. No peer
// that answered the claims has been a holder for all of the grace period, so none can know of a
// delete that the others have forgotten since the arc was last served. What had to be quarantined
// by then already stays there.
func (q *Quarantine) Believe(ctx context.Context, c replica.ConfirmGrant) {
	span, ok := records.KeySpan(c.Grant.From, q.cfg.Self)
	if !ok || !c.Believe {
		return
	}
	own := q.of(span)
	if !replica.Believed([]bool{own.Continuous}) {
		return
	}
	now, stoppedAgo := q.cfg.Clocks.Now(), replica.Latest(c.StoppedAgo, own.StoppedAgo)
	// believed reports whether a copy counted when the arc was last served.
	believed := func(stamp string, confirmedAgo int64) bool {
		v, err := replica.ParseStamp(stamp)
		return err == nil && (stoppedAgo == 0 || !q.grace().Quarantined(v, now-confirmedAgo, now-stoppedAgo))
	}
	if q.Any() {
		var old []store.Entry
		err := q.cfg.Store.Scan(span, nil, func(e store.Entry) bool {
			if !e.Counted && believed(e.Stamp, own.ConfirmedAgo) && (e.Index > 0 || q.cfg.Counts(e.Stamp)) {
				old = append(old, e)
			}
			return true
		})
		if err == nil {
			err = q.count(ctx, old, true)
		}
		if err != nil {
			log.Warnw("believing what was set aside", "err", err)
		}
	}
	for _, h := range c.Quarantined {
		err := q.pull(ctx, h.Holder, span, func(it *pb.Item) bool { return believed(string(it.GetStamp()), h.ConfirmedAgo) })
		if err != nil {
			log.Warnw("taking in what another has set aside", "peer", peer.ID(h.Holder.ID), "err", err)
		}
	}
}

// pull takes in the records of files that are in quarantine at another peer, unknown here, and
// believed.
func (q *Quarantine) pull(ctx context.Context, from ring.Position, span store.Span, believed func(*pb.Item) bool) error {
	known := make(map[records.ID]bool)
	err := q.cfg.Store.Scan(span, nil, func(e store.Entry) bool {
		known[records.OfEntry(e)] = e.Counted
		return true
	})
	if err != nil {
		return err
	}
	items, err := q.cfg.Held.List(ctx, from, &pb.Inventory{First: uint32(span.First), Last: uint32(span.Last), Old: true})
	if err != nil {
		return err
	}
	return q.cfg.Pull(ctx, from, slices.DeleteFunc(items, func(it *pb.Item) bool {
		return it.GetIndex() > 0 || known[records.OfItem(it)] || !believed(it)
	}))
}
