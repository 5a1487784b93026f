package replication

import (
	"context"

	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/store"
)

// dropInvalid removes the files' records whose clocks no version can have, which earlier builds took from anybody: nothing
// could replace them, and no peer takes them any more.
func (n *Node) dropInvalid(ctx context.Context) {
	var invalid []store.Entry
	err := n.store.Scan(everything, nil, func(e store.Entry) bool {
		if v, err := replica.ParseStamp(e.Stamp); e.Index > 0 || err != nil || v.Clock <= replica.MaxClock {
			return ctx.Err() == nil
		}
		if k, err := readEntry(e); err == nil && !protocol.Lineage(k.RecordBody).ValidClock() {
			invalid = append(invalid, e)
		}
		return ctx.Err() == nil
	})
	if err != nil {
		log.Warnw("looking for records that are not valid", "err", err)
	}
	for _, e := range invalid {
		n.removeInvalid(ctx, e)
	}
}

// removeInvalid removes a record that is not valid.
func (n *Node) removeInvalid(ctx context.Context, e store.Entry) {
	log.Warnw("a record that is not valid, which no peer would take, is removed", "name", e.Name)
	n.drop(ctx, e, func() bool { return true })
}
