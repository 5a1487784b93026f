package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// Leave hands every file over to the peers that hold it when this node is gone,
// tells the neighbours, closes the node and empties its data folder of
// records and blocks. report, if not nil, is called for each file. A file that can't be
// handed over stays where it is and is named in the error; the others go all the same, and the data is kept.
func (n *Node) Leave(ctx context.Context, report func(HandOver)) error {
	failed, err := n.handOver(ctx, report, true)
	if err != nil {
		return err
	}
	if len(failed) > 0 {
		return errors.Join(fault.New(fault.Failed, "%s could not be handed over and stay in %s: %s; start the node again and repeat", files(len(failed)), n.cfg.Data, list(failed)), n.Close())
	}
	n.folder.emptied = true
	return n.Close()
}

// Quit hands over what has too few copies elsewhere, as far as ctx allows, tells the
// neighbours, and closes the node. Its data is kept for the next start.
func (n *Node) Quit(ctx context.Context, report func(HandOver)) error {
	failed, err := n.handOver(ctx, report, false)
	closed := n.Close()
	if err != nil || closed != nil {
		return errors.Join(err, closed)
	}
	if len(failed) > 0 {
		return fault.New(fault.FewerCopies, "fewer copies of %s while this node is away: %s", files(len(failed)), list(failed))
	}
	return nil
}

// list names a few.
func list(names []string) string {
	if len(names) > 5 {
		return fmt.Sprintf("%q and %d more", names[:5], len(names)-5)
	}
	return fmt.Sprintf("%q", names)
}

// handOver stops serving, gives every record the copies that it shall have without
// this node, and announces the departure. It returns the files for which that failed. With all, every copy counts;
// otherwise only those that too few others have.
func (n *Node) handOver(ctx context.Context, report func(HandOver), all bool) ([]string, error) {
	n.late.take() // one that was added just as an earlier leave was given up
	s, err := n.driver().BeginLeave(ctx)
	if err != nil {
		return nil, err
	}
	var failed []string
	switch {
	case len(s.View.Successors()) == 0 && all && !s.Standby:
		// Nobody is left to take the files: they stay.
		failed = n.everyName()
		for _, name := range failed {
			tell(report, HandOver{Name: name, Error: "no other peer is in the ring"})
		}
		if len(failed) > 0 {
			n.stay()
			return nil, fault.New(fault.Failed, "this is the last node of its ring: nobody else can take %s; use quit to stop and keep %s", files(len(failed)), themOrIt(len(failed)))
		}
		n.event("leaving", "the last node of its ring, without files")
	case len(s.View.Successors()) == 0 && !s.Standby:
		n.event("leaving", "the last node of its ring; its files are kept for the next start")
	default:
		n.event("leaving", "handing files over")
		if failed, err = n.handAll(ctx, s, report, all); err != nil {
			n.stay()
			return failed, fault.New(fault.CodeOf(err), "can't read the files to hand over, and stays in the ring: %w", err)
		}
		// Until here this node was the witness of its successor. What came in meanwhile follows.
		if err = n.driver().HandedOver(ctx); err != nil && n.ctx.Err() != nil {
			return failed, err
		}
		failed = append(failed, n.handLate(ctx, s)...)
	}
	n.farewell(ctx, s, len(failed) > 0)
	return failed, nil
}

// stay takes back that the node is leaving: it serves on.
func (n *Node) stay() {
	_ = n.driver().CancelLeave(n.ctx) // it fails only when the node ends
	n.late.take()
}

// files writes a number of files.
func files(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

func themOrIt(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// lateCopies are the records that came in while others were being handed over. It is safe for concurrent use.
type lateCopies struct {
	mu      sync.Mutex
	entries []store.Entry
}

func (l *lateCopies) add(e store.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, e)
}

// take returns them, and forgets them.
func (l *lateCopies) take() []store.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	entries := l.entries
	l.entries = nil
	return entries
}

// handLate hands those over, and returns the names of the ones for which that failed.
func (n *Node) handLate(ctx context.Context, s *snapshot) []string {
	var failed []string
	for _, e := range n.late.take() {
		if h := n.handOne(ctx, s, e, false); h.Error != "" {
			failed = append(failed, h.Name)
		}
	}
	return failed
}

func tell(report func(HandOver), h HandOver) {
	if report != nil {
		report(h)
	}
}

// handers is how many records are handed over at a time.
const handers = 4

// handAll goes through the whole store.
func (n *Node) handAll(ctx context.Context, s *snapshot, report func(HandOver), all bool) ([]string, error) {
	var mu sync.Mutex
	var failed []string
	done := func(e store.Entry, h HandOver) {
		mu.Lock()
		defer mu.Unlock()
		if h.Error != "" && !slices.Contains(failed, h.Name) {
			failed = append(failed, h.Name)
		}
		if h.Error != "" || (e.Index == 0 && h.To != "" && !deleted(e)) {
			tell(report, h)
		}
	}
	var after *store.Entry
	for {
		batch, err := n.countedAfter(after)
		if err != nil || len(batch) == 0 {
			slices.Sort(failed)
			return failed, err
		}
		after = &batch[len(batch)-1]
		var group errgroup.Group
		group.SetLimit(handers)
		for _, e := range batch {
			group.Go(func() error { done(e, n.handOne(ctx, s, e, all)); return nil })
		}
		_ = group.Wait() // what failed is in failed
	}
}

// A batch ends with the record that reaches one of these bounds.
const (
	batchRecords = 256
	batchBytes   = 4 << 20
)

// countedAfter reads the next batch of the records that count. No scan lasts while records go
// over the network, for it holds a snapshot of the store.
func (n *Node) countedAfter(after *store.Entry) (batch []store.Entry, err error) {
	size := 0
	err = n.store.Scan(everything, after, func(e store.Entry) bool {
		if e.Counted {
			batch = append(batch, e)
			size += len(e.Value)
		}
		return len(batch) < batchRecords && size < batchBytes
	})
	return batch, err
}

// deleted reports whether an entry is a tombstone.
func deleted(e store.Entry) bool {
	k, err := readEntry(e)
	return err == nil && k.GetDeleted()
}

// handOne gives one record to those who shall hold it without this node, the first two of them at least.
func (n *Node) handOne(ctx context.Context, s *snapshot, e store.Entry, all bool) HandOver {
	h := HandOver{Name: e.Name}
	k, err := readEntry(e)
	if err != nil {
		h.Error = err.Error()
		return h
	}
	copies := max(n.copiesOfKept(k), 2)
	holders, _ := s.View.Holders(ring.Key(e.Key), copies+1)
	heirs := replica.Heirs(n.self, s.View.Predecessors(), s.View.Successors(), holders, copies)
	if len(heirs) == 0 {
		// Not of this node's arcs: its owner takes it.
		owner, err := n.ownerOf(ctx, ring.Key(e.Key))
		if err != nil {
			h.Error = err.Error()
			return h
		}
		heirs = []ring.Position{{ID: ring.ID(owner)}}
	}
	var lastErr error
	given := 0
	for _, to := range heirs {
		if ctx.Err() != nil {
			lastErr = ctx.Err()
			break
		}
		if !all && n.holds(ctx, to, e) {
			given++
			continue
		}
		if s.Standby { // only members are given copies by members; the owner fetches what it lacks by itself
			if lastErr = n.awaitCopy(ctx, to, e); lastErr == nil {
				given++
				h.To = peerID(to).String()
			}
			continue
		}
		if err := n.push(ctx, to, e); err != nil {
			lastErr = err
			continue
		}
		given++
		h.To = peerID(to).String()
	}
	// Each heir must have it, or two of them where the others can be repaired from those.
	if given < min(len(heirs), 2) {
		h.To, h.Error = "", fault.New(fault.Failed, "%w", lastErr).Error()
	}
	return h
}

// awaitCopy waits until a peer has a record and its bytes.
func (n *Node) awaitCopy(ctx context.Context, to ring.Position, e store.Entry) error {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Timeout)
	defer cancel()
	for !n.holds(ctx, to, e) {
		if err := sleep(ctx, n.cfg.Heartbeat/3); err != nil {
			return fault.New(fault.TryAgain, "its owner does not have all of it yet")
		}
	}
	return nil
}

// everyName returns the names of the files in the store, without tombstones.
func (n *Node) everyName() []string {
	var out []string
	_ = n.store.Scan(everything, nil, func(e store.Entry) bool {
		if k, err := readEntry(e); err == nil && e.Counted && e.Index == 0 && !k.GetDeleted() && !slices.Contains(out[max(0, len(out)-1):], e.Name) {
			out = append(out, e.Name)
		}
		return true
	})
	return out
}

// farewell hands the pointers over: the neighbours learn who is next to them, and the
// bootstrap peers that this node is gone. incomplete says that copies stay behind here.
func (n *Node) farewell(ctx context.Context, s *snapshot, incomplete bool) {
	ctx = context.WithoutCancel(ctx) // the time for handing over may be used up; saying goodbye has its own
	var wg sync.WaitGroup
	wg.Go(func() { n.driver().AnnounceDeparture(ctx, s.View, incomplete) })
	for _, c := range n.contacts {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, n.cfg.Heartbeat)
			defer cancel()
			_ = c.Goodbye(ctx) // a bootstrap peer that isn't told notices by itself
		})
	}
	wg.Wait()
}
