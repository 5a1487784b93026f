package replication

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// fetchLoop fetches the bytes of records that came without them.
func (n *Node) fetchLoop(ctx context.Context) {
	period := n.cfg.Heartbeat
	for n.fetching.Await(ctx, period) {
		got, left := n.fetchMissing(ctx)
		switch {
		case left == 0:
			period = 10 * n.cfg.Heartbeat
		case got == 0:
			period = min(2*period, 10*n.cfg.Heartbeat)
		default:
			period = n.cfg.Heartbeat / 3
			n.WakeFetch()
		}
	}
}

// fetchers is how many blocks are fetched at a time for repair.
const fetchers = 3

// fetchMissing makes one pass over the records without bytes.
func (n *Node) fetchMissing(ctx context.Context) (got, left int) {
	if n.store.Err() != nil {
		return 0, 0 // nothing can be kept
	}
	missing, err := n.store.Missing(1024)
	if err != nil || len(missing) == 0 {
		return 0, 0
	}
	var mu sync.Mutex
	ended := func(e store.Entry, err error) {
		n.metrics.RepairFetched(int64(e.Size), err)
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			got++
			return
		}
		left++
		log.Debugw("fetching a block", "name", e.Name, "index", e.Index, "err", err)
	}
	group := env.NewGroup(n.env, fetchers)
	for _, e := range missing {
		if !e.Counted {
			continue
		}
		if k, err := records.Read(e); err == nil && k.GetCopies() == 1 && !n.ring.Snapshot().Grants.Owns(ring.Key(e.Key)) {
			continue // a witness of a file of one copy holds the record alone
		}
		err := group.Go(ctx, "fetching a block", func(context.Context) {
			err := contain.ErrPanic // unless it returns
			defer func() { ended(e, err) }()
			err = n.foreground.Yield(ctx, func() error { return n.fetch(ctx, e) })
		})
		if err != nil {
			break
		}
	}
	group.Wait()
	return got, left
}

// slowest is the least speed, in bytes a second, at which a block is worth waiting for.
const slowest = 16 << 10

// fetch gets the bytes of one entry from another holder.
func (n *Node) fetch(ctx context.Context, e store.Entry) error {
	if !n.store.HasRoom(int64(e.Size)) {
		return fault.New(fault.NoSpace, "no room for a copy of block %d of %q", e.Index, e.Name)
	}
	room, err := n.memory.Reserve(ctx, membudget.Repair, int(e.Size), 1)
	if err != nil {
		return err
	}
	defer room.Close()
	ctx, cancel := n.env.WithTimeout(ctx, 6*n.cfg.Timeout+time.Duration(e.Size)*time.Second/slowest)
	defer cancel()
	data, err := n.cfg.Blocks.FindBlock(ctx, e.Place, e.Block, int(e.Size), n.left.list(), room)
	if err != nil {
		return err
	}
	defer data.Free()
	st, err := n.store.StageKnown(ctx, data.Data, e.Block, store.Cold)
	if err != nil {
		return err
	}
	defer st.Discard()
	return n.store.Supply(ctx, st)
}

// leftBehind are the peers that have left the ring with copies that may be nowhere else, the latest
// last. They can be asked for blocks as long as they run. It is safe for concurrent use.
type leftBehind struct {
	mu    sync.Mutex
	peers []peer.ID
}

// maxLeftBehind bounds the peers that are remembered.
const maxLeftBehind = 8

// LeftBehind records that a peer has left the ring with copies that may be nowhere else.
func (n *Node) LeftBehind(id peer.ID) {
	n.left.add(id)
	n.WakeFetch()
}

func (l *leftBehind) add(id peer.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.peers = append(slices.DeleteFunc(l.peers, func(p peer.ID) bool { return p == id }), id)
	if len(l.peers) > maxLeftBehind {
		l.peers = slices.Delete(l.peers, 0, 1)
	}
}

func (l *leftBehind) list() []peer.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.peers)
}
