package commit

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

const (
	// blocksPerCount is how many blocks are counted in one request. The first request asks for
	// less: a record that names blocks that nobody has is refused after one small question.
	blocksPerCount, firstCount = 1024, 16
	// countsAtOnce is how many owners are asked at a time.
	countsAtOnce = 8
	// The pause between two counts doubles from minPause up to maxPause.
	minPause, maxPause = 20 * time.Millisecond, time.Second
	// maxMissingTold bounds the missing blocks that an answer names.
	maxMissingTold = 1024
)

// Hold waits until all later blocks of a file are held. From then until release is called, no
// holder is told that it may remove one. The response beside the error names the blocks that are
// held nowhere.
func (c *Commits) Hold(ctx context.Context, rec *protocol.Record) (release func(), resp *pb.FileResponse, err error) {
	if rec.GetIndex() > 0 || rec.BlockCount() < 2 {
		return func() {}, nil, nil
	}
	blocks := blocksByKey(rec)
	until := c.cfg.Env.Now().Add(c.cfg.Timeout)
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		end := c.begin(rec.GetName())
		err := c.countBlocks(ctx, rec, blocks)
		if err == nil {
			return end, nil, nil
		}
		end() // while this node waits, holders may ask and go on
		var m *missingBlocks
		if errors.As(err, &m) {
			return nil, &pb.FileResponse{Body: &pb.FileResponse_Stored{Stored: &pb.Stored{Missing: m.indexes}}}, fault.New(fault.NotAllowed,
				"block %d of %q is held nowhere, so the file is not stored; put it again, and only what is missing is sent", m.indexes[0], rec.GetName())
		}
		if c.cfg.Env.Now().After(until) || env.Sleep(ctx, c.cfg.Env, pause) != nil {
			return nil, nil, fault.New(fault.TryAgain, "whether the blocks of %q are held can't be told now; put it again: %w", rec.GetName(), err)
		}
	}
}

// blocksByKey are the indexes of the later blocks of a file in the order of their keys.
func blocksByKey(rec *protocol.Record) []int {
	type placed struct {
		key   ring.Key
		index int
	}
	all := make([]placed, 0, rec.BlockCount()-1)
	for i := 1; i < rec.BlockCount(); i++ {
		all = append(all, placed{protocol.Place(rec.GetName(), uint32(i)), i}) //nolint:gosec // bounded by the check of the record
	}
	slices.SortFunc(all, func(a, b placed) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.index, b.index)) })
	out := make([]int, len(all))
	for i, p := range all {
		out[i] = p.index
	}
	return out
}

// missingBlocks are the blocks that are held nowhere. It is safe for concurrent use.
type missingBlocks struct {
	mu      sync.Mutex
	indexes []uint32
}

func (m *missingBlocks) Error() string { return "blocks are held nowhere" }

func (m *missingBlocks) add(index int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.indexes) < maxMissingTold {
		m.indexes = append(m.indexes, uint32(index)) //nolint:gosec // bounded by the check of the record
	}
}

// err is m, or nil if no block is missing. It is called when nothing is added any more.
func (m *missingBlocks) err() error {
	if len(m.indexes) == 0 {
		return nil
	}
	slices.Sort(m.indexes)
	return m
}

// countBlocks asks the owners of later blocks, in the order of their keys, to count the copies. Of
// many blocks it has a few counted first.
func (c *Commits) countBlocks(ctx context.Context, rec *protocol.Record, blocks []int) error {
	if len(blocks) > firstCount {
		some := make([]int, firstCount) // from all over the file
		for i := range some {
			some[i] = blocks[i*len(blocks)/firstCount]
		}
		if err := c.countBlocks(ctx, rec, some); err != nil {
			return err
		}
	}
	var missing missingBlocks
	group, gctx := env.NewErrGroup(ctx, c.cfg.Env, countsAtOnce)
	for len(blocks) > 0 && gctx.Err() == nil {
		// All keys up to the owner of the first are that owner's.
		key := func(i int) ring.Key { return protocol.Place(rec.GetName(), uint32(blocks[i])) } //nolint:gosec // as above
		owner, at, err := c.ownerAt(gctx, key(0))
		if err != nil {
			return cmp.Or(group.Wait(), err)
		}
		many := 1
		for many < len(blocks) && many < blocksPerCount && (key(many) == key(0) || ring.Between(ring.At(key(0)), ring.At(key(many)), at)) {
			many++
		}
		some := blocks[:many]
		blocks = blocks[many:]
		group.Go("counting copies", func(ctx context.Context) error { return c.countBlocksAt(ctx, rec, owner, some, &missing) })
	}
	if err := cmp.Or(group.Wait(), ctx.Err()); err != nil {
		return err
	}
	return missing.err()
}

// ownerAt returns the owner of a key and its position.
func (c *Commits) ownerAt(ctx context.Context, key ring.Key) (peer.ID, ring.Position, error) {
	v := c.cfg.Ring.Snapshot().View
	if v.Owns(key) {
		return c.cfg.ID, c.cfg.Self, nil
	}
	if holders, _ := v.Holders(key, 1); len(holders) > 0 {
		return peer.ID(holders[0].ID), holders[0], nil
	}
	f, err := c.cfg.Router.Locate(ctx, key)
	return f.ID, f.Position, err
}

// countBlocksAt asks one owner to count the copies of some of the blocks.
func (c *Commits) countBlocksAt(ctx context.Context, rec *protocol.Record, owner peer.ID, blocks []int, missing *missingBlocks) error {
	m := &pb.CountCopies{}
	for _, i := range blocks {
		m.Items = append(m.Items, laterItem(rec, i))
	}
	r, err := c.cfg.Call(ctx, owner, &pb.FileRequest{Body: &pb.FileRequest_Count{Count: m}}, nil)
	copies, promised := countedCopies(r)
	switch {
	case fault.CodeOf(err) == fault.Usage: // an older program: it has acknowledged what it has
		have, err := c.countAt(ctx, ring.Position{ID: ring.ID(owner)}, m.GetItems())
		if err != nil {
			return err
		}
		copies, promised = nil, nil
		for _, has := range have {
			copies, promised = append(copies, count(has)), append(promised, count(has))
		}
	case err != nil:
		return err
	default:
		r.Close()
	}
	few := 0
	for i, found := range copies {
		switch {
		case promised[i] == 0: // its owner does not know it
			missing.add(blocks[i])
		case found < promised[i]:
			few++
		}
	}
	if few > 0 {
		return fault.New(fault.TryAgain, "%d blocks of %q have fewer copies than were promised", few, rec.GetName())
	}
	return nil
}

// countedCopies is what an owner has counted; nothing if there is no answer.
func countedCopies(r *request.Reply) (copies, promised []uint32) {
	if r == nil {
		return nil, nil
	}
	return r.GetCounted().GetCopies(), r.GetCounted().GetPromised()
}
