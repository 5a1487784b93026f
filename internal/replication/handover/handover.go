package handover

import (
	"context"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// handLate hands those over, and returns the names for which that failed.
func (l *Leave) handLate(ctx context.Context, s *chord.Snapshot, silent *silentPeers) []string {
	var failed []string
	for _, e := range l.late.take() {
		if h := l.handOne(ctx, s, e, false, silent); h.Error != "" {
			failed = append(failed, h.Name)
		}
	}
	return failed
}

func tell(report func(Outcome), h Outcome) {
	if report != nil {
		report(h)
	}
}

// handers is how many records are handed over at a time.
const handers = 4

// handAll hands over the whole store.
func (l *Leave) handAll(ctx context.Context, s *chord.Snapshot, report func(Outcome), all bool, silent *silentPeers) ([]string, error) {
	var mu sync.Mutex
	var failed []string
	done := func(e store.Entry, h Outcome) {
		mu.Lock()
		defer mu.Unlock()
		if h.Error != "" && !slices.Contains(failed, h.Name) {
			failed = append(failed, h.Name)
		}
		if h.Error != "" || (e.Index == 0 && h.To != "" && !records.Deleted(e)) {
			tell(report, h)
		}
	}
	var after *store.Entry
	for {
		batch, err := l.countedAfter(after)
		if err != nil || len(batch) == 0 {
			slices.Sort(failed)
			return failed, err
		}
		after = &batch[len(batch)-1]
		group := env.NewGroup(l.cfg.Env, handers)
		for _, e := range batch {
			failed := Outcome{Name: e.Name, Error: contain.ErrPanic.Error()}
			if err := group.Go(ctx, "handing a record over", func(context.Context) {
				h := failed
				defer func() { done(e, h) }()
				h = l.handOne(ctx, s, e, all, silent)
			}); err != nil {
				done(e, Outcome{Name: e.Name, Error: err.Error()})
			}
		}
		group.Wait()
	}
}

// A batch ends with the record that reaches one of these bounds.
const (
	batchRecords = 256
	batchBytes   = 4 << 20
)

// countedAfter reads the next batch of the records that count. No scan lasts while records go over
// the network, because it holds a snapshot of the store.
func (l *Leave) countedAfter(after *store.Entry) (batch []store.Entry, err error) {
	size := 0
	err = l.cfg.Store.Scan(records.Everything, after, func(e store.Entry) bool {
		if e.Counted {
			batch = append(batch, e)
			size += len(e.Value)
		}
		return len(batch) < batchRecords && size < batchBytes
	})
	return batch, err
}

// handOne gives one record to the peers that have to hold it without this node, or to the first two
// of them at least.
func (l *Leave) handOne(ctx context.Context, s *chord.Snapshot, e store.Entry, all bool, silent *silentPeers) Outcome {
	h := Outcome{Name: e.Name}
	k, err := records.Read(e)
	if err != nil {
		h.Error = err.Error()
		return h
	}
	copies := max(l.cfg.Copies(k.RecordBody), 2)
	holders, _ := s.View.Holders(ring.Key(e.Key), copies+1)
	heirs := replica.Heirs(l.cfg.Self, s.View.Predecessors(), s.View.Successors(), holders, copies)
	if len(heirs) == 0 {
		// Not of this node's arcs: its owner takes it.
		owner, err := l.cfg.Router.Locate(ctx, ring.Key(e.Key))
		if err != nil {
			h.Error = err.Error()
			return h
		}
		heirs = []ring.Position{{ID: ring.ID(owner.ID)}}
	}
	var lastErr error
	given := 0
	for _, to := range heirs {
		if ctx.Err() != nil {
			lastErr = ctx.Err()
			break
		}
		if err := silent.gaveUp(to); err != nil {
			lastErr = err
			continue
		}
		if !all && l.cfg.Holds(ctx, to, e) {
			given++
			continue
		}
		// Only members are given copies by members; the owner fetches what it lacks by itself.
		if s.Standby {
			if lastErr = l.awaitCopy(ctx, to, e); lastErr == nil {
				given++
				h.To = peer.ID(to.ID).String()
			}
			continue
		}
		err := l.cfg.Push(ctx, to, e)
		silent.note(to, err)
		if err != nil {
			lastErr = err
			continue
		}
		given++
		h.To = peer.ID(to.ID).String()
	}
	// Each heir must have it, or two of them where the others can be repaired from those.
	if given < min(len(heirs), 2) {
		h.To, h.Error = "", fault.New(fault.Failed, "%w", lastErr).Error()
	}
	return h
}

// awaitCopy waits until a peer has a record and its bytes.
func (l *Leave) awaitCopy(ctx context.Context, to ring.Position, e store.Entry) error {
	ctx, cancel := l.cfg.Env.WithTimeout(ctx, l.cfg.Timeout)
	defer cancel()
	for !l.cfg.Holds(ctx, to, e) {
		if err := env.Sleep(ctx, l.cfg.Env, l.cfg.Heartbeat/3); err != nil {
			return fault.New(fault.TryAgain, "its owner does not have all of it yet")
		}
	}
	return nil
}

// everyName returns the names of the files in the store, without tombstones.
func (l *Leave) everyName() []string {
	var out []string
	_ = l.cfg.Store.Scan(records.Everything, nil, func(e store.Entry) bool {
		if k, err := records.Read(e); err == nil && e.Counted && e.Index == 0 && !k.GetDeleted() && !slices.Contains(out[max(0, len(out)-1):], e.Name) {
			out = append(out, e.Name)
		}
		return true
	})
	return out
}
