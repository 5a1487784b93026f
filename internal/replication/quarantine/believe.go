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
// delete that the others have forgotten.
func (q *Quarantine) Believe(ctx context.Context, c replica.ConfirmGrant) {
	span, ok := records.KeySpan(c.Grant.From, q.cfg.Self)
	if !ok || !c.Believe || !replica.Believed([]bool{q.continuous(span, q.cfg.Clocks.Now()-int64(q.grace()))}) {
		return
	}
	if q.Any() {
		var old []store.Entry
		err := q.cfg.Store.Scan(span, nil, func(e store.Entry) bool {
			if !e.Counted {
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
		if err := q.pull(ctx, h, span); err != nil {
			log.Warnw("taking in what another has set aside", "peer", peer.ID(h.ID), "err", err)
		}
	}
}

// pull takes in the records of files that are in quarantine at another peer and unknown
// here.
func (q *Quarantine) pull(ctx context.Context, from ring.Position, span store.Span) error {
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
		return it.GetIndex() > 0 || known[records.OfItem(it)]
	}))
}
