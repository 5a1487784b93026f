package replication

import (
	"context"

	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/store"
)

// In a private ring a record counts by whoever has signed it, and when: internal/writers has the
// rule. It is asked wherever a record comes in, and wherever versions are read. What doesn't count
// any more is set aside, as in quarantine. It isn't removed: a revocation can itself be undone.

// WritersChanged says that other records may count than before.
func (n *Node) WritersChanged() { n.reviewing.Wake() }

// writersLoop sets aside the records that no longer count. A record that was coming in when the
// rule changed is found by a second look.
func (n *Node) writersLoop(ctx context.Context) {
	for {
		n.quarantine.Review(ctx)
		if !n.reviewing.Await(ctx, 2*n.cfg.Heartbeat) {
			return
		}
		n.quarantine.Review(ctx)
		if !n.reviewing.Await(ctx, 200*n.cfg.Heartbeat) {
			return
		}
	}
}

// split decodes the entries of a place that count, and returns the others.
func (n *Node) split(es []store.Entry) (current []records.Stored, aside []store.Entry, err error) {
	if n.cfg.Writers.Network != nil {
		for i := range es {
			es[i].Counted = es[i].Counted && (es[i].Index > 0 || n.cfg.Writers.CountsStamp(es[i].Stamp))
		}
	}
	return records.Split(es)
}
