package fetch

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

// Run fetches the bytes of records that came without them, until ctx ends.
func (f *Fetcher) Run(ctx context.Context) {
	period := f.cfg.Heartbeat
	for f.cfg.Wakeup.Await(ctx, period) {
		got, left := f.fetchMissing(ctx)
		switch {
		case left == 0:
			period = 10 * f.cfg.Heartbeat
		case got == 0:
			period = min(2*period, 10*f.cfg.Heartbeat)
		default:
			period = f.cfg.Heartbeat / 3
			f.cfg.Wakeup.Wake()
		}
	}
}

// fetchers is how many blocks are fetched at a time for repair.
const fetchers = 3

// fetchMissing makes one pass over the records without bytes.
func (f *Fetcher) fetchMissing(ctx context.Context) (got, left int) {
	if f.cfg.Store.Err() != nil {
		return 0, 0 // nothing can be kept
	}
	missing, err := f.cfg.Store.Missing(1024)
	if err != nil || len(missing) == 0 {
		return 0, 0
	}
	var mu sync.Mutex
	ended := func(e store.Entry, err error) {
		f.cfg.Fetched(int64(e.Size), err)
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			got++
			return
		}
		left++
		log.Debugw("fetching a block", "name", e.Name, "index", e.Index, "err", err)
	}
	group := env.NewGroup(f.cfg.Env, fetchers)
	for _, e := range missing {
		if !e.Counted {
			continue
		}
		if k, err := records.Read(e); err == nil && k.GetCopies() == 1 && !f.cfg.Owns(ring.Key(e.Key)) {
			continue // a witness of a file of one copy holds the record alone
		}
		err := group.Go(ctx, "fetching a block", func(context.Context) {
			err := contain.ErrPanic // unless it returns
			defer func() { ended(e, err) }()
			err = f.cfg.Load.Yield(ctx, func() error { return f.fetch(ctx, e) })
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
func (f *Fetcher) fetch(ctx context.Context, e store.Entry) error {
	if !f.cfg.Store.HasRoom(int64(e.Size)) {
		return fault.New(fault.NoSpace, "no room for a copy of block %d of %q", e.Index, e.Name)
	}
	room, err := f.cfg.Memory.Reserve(ctx, membudget.Repair, int(e.Size), 1)
	if err != nil {
		return err
	}
	defer room.Close()
	ctx, cancel := f.cfg.Env.WithTimeout(ctx, 6*f.cfg.Timeout+time.Duration(e.Size)*time.Second/slowest)
	defer cancel()
	data, err := f.cfg.Blocks.FindBlock(ctx, e.Place, e.Block, int(e.Size), f.left.list(), room)
	if err != nil {
		return err
	}
	defer data.Free()
	st, err := f.cfg.Store.StageKnown(ctx, data.Data, e.Block, store.Cold)
	if err != nil {
		return err
	}
	defer st.Discard()
	return f.cfg.Store.Supply(ctx, st)
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
func (f *Fetcher) LeftBehind(id peer.ID) {
	f.left.add(id)
	f.cfg.Wakeup.Wake()
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
