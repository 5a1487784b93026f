package orphans

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/store"
)

// orphansAtOnce is how many records are looked at in one round of the search for orphans: with
// a round every three heartbeats, a million records take some 40 minutes.
const orphansAtOnce = 4096

// Run searches the store for later blocks that no version of their file uses any more, and
// removes them if the file's owner agrees; see replica.Orphan.
func (c *Collector) Run(ctx context.Context) {
	var cursor *store.Entry
	for env.Sleep(ctx, c.cfg.Env, 3*c.cfg.Heartbeat) == nil {
		var blocks []store.Entry
		blocks, cursor = c.laterBlocks(cursor)
		c.Collect(ctx, blocks)
	}
}

// laterBlocks returns the later blocks among the next records after the cursor, and the new cursor,
// which is nil at the end.
func (c *Collector) laterBlocks(cursor *store.Entry) (blocks []store.Entry, next *store.Entry) {
	seen := 0
	err := c.cfg.Store.Scan(records.Everything, cursor, func(e store.Entry) bool {
		if e.Index > 0 {
			blocks = append(blocks, e)
		}
		seen++
		next = &e
		return seen < orphansAtOnce
	})
	if err != nil || seen < orphansAtOnce {
		next = nil
	}
	return blocks, next
}

// Collect removes those of the blocks that are orphans. It asks for the versions of each
// file once.
func (c *Collector) Collect(ctx context.Context, blocks []store.Entry) {
	type candidate struct {
		store.Entry
		block replica.Block
	}
	files := make(map[string][]candidate)
	for _, e := range blocks {
		k, err := records.Read(e)
		if err != nil {
			continue
		}
		switch block := (replica.Block{Clock: k.GetClock()}); {
		case c.cfg.Retracted.Has(k, c.cfg.Env.Now()) || k.GetClock() > replica.MaxClock:
			block.Clock = 0 // as old as can be
			files[e.Name] = append(files[e.Name], candidate{e, block})
		case c.settledBlock(k): // nothing that was written a moment ago is an orphan yet
			files[e.Name] = append(files[e.Name], candidate{e, block})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		some := files[name]
		// Until it is settled whether they are needed, no commit counts on them.
		var done []func()
		for _, b := range some {
			done = append(done, c.cfg.Retracted.Judge(b.Place))
		}
		versions, err := c.versions(ctx, name)
		for _, b := range some {
			if err == nil && replica.Orphan(b.block, references(versions, b.Entry), c.cfg.Clocks.Time().Early) {
				c.cfg.Drop(ctx, b.Entry)
			}
		}
		for _, settled := range done {
			settled()
		}
		if err != nil && ctx.Err() != nil {
			return
		}
	}
}

// settledBlock reports whether a block was written long enough ago to be an orphan.
func (c *Collector) settledBlock(k records.Stored) bool {
	return replica.Version{Clock: k.GetClock()}.Millis() < c.cfg.Clocks.Now()-replica.OrphanGraceMillis
}

// references says of each version of a file whether it uses block e.
func references(versions []*protocol.Record, e store.Entry) []replica.Reference {
	var out []replica.Reference
	for _, v := range versions {
		r := replica.Reference{Record: protocol.Lineage(v.RecordBody), Deleted: v.GetDeleted()}
		if int(e.Index) < v.BlockCount() {
			hash, _ := v.BlockAt(int(e.Index))
			r.Uses = bytes.Equal(hash[:], e.Block[:])
		}
		out = append(out, r)
	}
	return out
}
