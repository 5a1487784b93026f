package quarantine

import (
	"context"
	"fmt"

	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/store"
)

// Review sets aside the versions of files that don't count by their writers, and has those count
// again that do. Of what is older than the grace nobody can tell whether it was set aside for its
// age: it counts again when another peer has it.
func (q *Quarantine) Review(ctx context.Context) {
	var aside, again []store.Entry
	now := q.cfg.Clocks.Now()
	err := q.cfg.Store.Scan(records.Everything, nil, func(e store.Entry) bool {
		if e.Index > 0 {
			return ctx.Err() == nil
		}
		v, err := replica.ParseStamp(e.Stamp)
		switch counts := q.cfg.Counts(e.Stamp); {
		case err != nil, counts == e.Counted:
		case !counts:
			e.Value = nil // it isn't needed for this
			aside = append(aside, e)
		case !q.grace().Quarantined(v, 0, now):
			again = append(again, e)
		}
		return ctx.Err() == nil
	})
	if err == nil && len(aside) > 0 {
		q.cfg.Event("set_aside", fmt.Sprintf("%d records are set aside: their writers may not write files any more", len(aside)))
		err = q.count(ctx, aside, false)
	}
	if err == nil && len(again) > 0 {
		err = q.count(ctx, again, true)
	}
	if err != nil && ctx.Err() == nil {
		log.Warnw("looking for records whose writers may not write any more", "err", err)
	}
}
