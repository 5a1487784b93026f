package replication

import (
	"context"
	"fmt"
	"slices"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// Recall takes in what the data folder remembers, and quarantines what has become too old while the
// node was away. A node that has never had peers knows of every delete. Recall comes before
// anything else.
func (n *Node) Recall(ctx context.Context) error {
	n.loadCollection()
	m := n.folder.Remembered()
	n.confirmation.firstStart, n.confirmation.confirmed, n.confirmation.of, n.confirmation.quarantined = m.Born, m.Confirmed, m.Of, m.Aside
	if n.confirmation.firstStart == 0 {
		n.confirmation.firstStart = n.clocks.Now()
	}
	if !n.folder.HadPeers() {
		return nil
	}
	return n.quarantineOld(ctx)
}

// quarantineOld quarantines the records of files that no synced owner has attested for the grace
// period. They do not count until another peer has them too. See replica.Grace.Quarantined.
func (n *Node) quarantineOld(ctx context.Context) error {
	since, now := n.confirmation.since(), n.clocks.Now()
	if since >= now-int64(n.grace()) {
		return nil
	}
	n.confirmation.mu.Lock()
	passed := n.confirmation.passed
	n.confirmation.passed = true
	n.confirmation.mu.Unlock()
	if passed {
		return nil
	}
	var old []store.Entry
	err := n.store.Scan(records.Everything, nil, func(e store.Entry) bool {
		v, err := replica.ParseStamp(e.Stamp)
		if e.Index == 0 && e.Counted && err == nil && n.grace().Quarantined(v, since, now) {
			e.Value = nil // it isn't needed for this
			old = append(old, e)
		}
		return true
	})
	if err != nil || len(old) == 0 {
		return err
	}
	n.confirmation.mu.Lock()
	n.confirmation.quarantined = true
	n.confirmation.mu.Unlock()
	if err := n.folder.Remember(func(m *Remembered) { m.Aside = true }); err != nil {
		return err
	}
	n.event("set_aside", fmt.Sprintf("%d records that no other peer has confirmed for %s are set aside until one has them too", len(old), n.cfg.TombstoneGrace))
	return n.count(ctx, old, false)
}

// count takes entries out of quarantine, or puts them into it.
func (n *Node) count(ctx context.Context, entries []store.Entry, counted bool) error {
	group, _ := env.NewErrGroup(ctx, n.env, keepsAtOnce)
	for _, e := range entries {
		group.Go("changing what counts", func(ctx context.Context) error {
			_, err := n.store.Update(ctx, e.Place, func(es []store.Entry) ([]store.Entry, error) {
				i := slices.IndexFunc(es, func(o store.Entry) bool { return o.Stamp == e.Stamp })
				if i < 0 {
					return es, nil
				}
				es[i].Counted = counted
				if !counted {
					return es, nil
				}
				in, err := records.Read(es[i])
				if err != nil {
					return nil, err
				}
				current, quarantined, err := records.Split(slices.Delete(es, i, i+1))
				return records.Merge(current, quarantined, in), err
			})
			return err
		})
	}
	return group.Wait()
}

// believe takes in, before the arc is served, what is in quarantine here and at others. No peer
// that answered the claims has been a holder for all of the grace period, so none can know of a
// delete that the others have forgotten.
func (n *Node) believe(ctx context.Context, c replica.ConfirmGrant) {
	span, ok := records.KeySpan(c.Grant.From, n.self)
	if !ok || !c.Believe || !replica.Believed([]bool{n.confirmation.continuous(span, n.clocks.Now()-int64(n.grace()))}) {
		return
	}
	if n.confirmation.hasQuarantined() {
		var old []store.Entry
		err := n.store.Scan(span, nil, func(e store.Entry) bool {
			if !e.Counted {
				old = append(old, e)
			}
			return true
		})
		if err == nil {
			err = n.count(ctx, old, true)
		}
		if err != nil {
			log.Warnw("believing what was set aside", "err", err)
		}
	}
	for _, h := range c.Quarantined {
		if err := n.pullQuarantined(ctx, h, span); err != nil {
			log.Warnw("taking in what another has set aside", "peer", peerID(h), "err", err)
		}
	}
}

// pullQuarantined takes in the records of files that are in quarantine at another peer and unknown
// here.
func (n *Node) pullQuarantined(ctx context.Context, from ring.Position, span store.Span) error {
	known := make(map[records.ID]bool)
	err := n.store.Scan(span, nil, func(e store.Entry) bool {
		known[records.OfEntry(e)] = e.Counted
		return true
	})
	if err != nil {
		return err
	}
	items, err := n.held.List(ctx, from, &pb.Inventory{First: uint32(span.First), Last: uint32(span.Last), Old: true})
	if err != nil {
		return err
	}
	return n.pull(ctx, from, slices.DeleteFunc(items, func(it *pb.Item) bool {
		return it.GetIndex() > 0 || known[records.OfItem(it)]
	}))
}

// continuousFor reports whether this node has been a holder, for all of the grace period, of the
// arc from pred to owner: it is one by its neighbors, and synced owners have attested within the
// grace period what it holds there.
func (n *Node) continuousFor(pred, owner ring.Position, s *chord.Snapshot) (continuous, quarantined bool) {
	preds, succs := s.View.Predecessors(), s.View.Successors()
	near := preds[:min(len(preds), max(n.cfg.Copies, 2)-1)]
	holder := len(succs) > 0 && succs[0] == owner || slices.Contains(near, owner)
	span, ok := records.KeySpan(pred, owner)
	return holder && ok && n.confirmation.continuous(span, n.clocks.Now()-int64(n.grace())), n.confirmation.hasQuarantined()
}
