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
	stopped := q.noteStop(now, stoppedAgo)
	if err := q.takeIn(ctx, span, now-own.ConfirmedAgo, stopped); err != nil {
		log.Warnw("believing what was set aside", "err", err)
	}
	for _, h := range c.Quarantined {
		err := q.pull(ctx, h.Holder, span, func(it *pb.Item) bool {
			return q.counted(string(it.GetStamp()), now-h.ConfirmedAgo, stopped)
		})
		if err != nil {
			log.Warnw("taking in what another has set aside", "peer", peer.ID(h.Holder.ID), "err", err)
		}
	}
}

// Return takes in what is in quarantine here when nobody can know of a delete that others have
// forgotten: the ring was stopped, too, and has not lived for the grace period since. The owners of
// the copies tell for how many milliseconds it has lived, and how many milliseconds ago it stopped;
// 0 if one doesn't know.
func (q *Quarantine) Return(ctx context.Context, unbroken, stoppedAgo int64) error {
	if unbroken == 0 || unbroken >= int64(q.grace()) {
		return nil
	}
	stopped := q.noteStop(q.cfg.Clocks.Now(), stoppedAgo)
	q.mu.Lock()
	a := q.attested
	q.mu.Unlock()
	return q.takeIn(ctx, records.Everything, max(a.FirstStart, a.Stopped), max(a.Stopped, stopped))
}

// noteStop notes how many milliseconds ago the ring stopped, 0 if nobody knows. It returns when it
// last stopped, as far as others have ever told.
func (q *Quarantine) noteStop(now, ago int64) int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	if ago > 0 {
		q.ringStopped = max(q.ringStopped, now-ago)
	}
	return q.ringStopped
}

// takeIn has those copies count that did when the ring stopped; confirmed is when they last were.
func (q *Quarantine) takeIn(ctx context.Context, span store.Span, confirmed, stopped int64) error {
	if !q.Any() {
		return nil
	}
	var old []store.Entry
	err := q.cfg.Store.Scan(span, nil, func(e store.Entry) bool {
		if !e.Counted && q.counted(e.Stamp, confirmed, stopped) && (e.Index > 0 || q.cfg.Counts(e.Stamp)) {
			e.Value = nil // it isn't needed for this
			old = append(old, e)
		}
		return true
	})
	if err != nil {
		return err
	}
	return q.count(ctx, old, true)
}

// counted reports whether a copy that was confirmed at one moment counted when the ring stopped.
func (q *Quarantine) counted(stamp string, confirmed, stopped int64) bool {
	v, err := replica.ParseStamp(stamp)
	return err == nil && !q.grace().Quarantined(v, confirmed, stopped)
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
