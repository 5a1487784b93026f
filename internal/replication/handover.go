package replication

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// HandOver is the outcome for one file when a node hands over what it holds.
type HandOver struct {
	Name  string `json:"name"`
	To    string `json:"to"` // peer ID, empty when Error is set
	Error string `json:"error,omitempty"`
}

// HandOver stops serving and gives every record the copies that it shall have without this node. It
// returns the files for which that failed, and the state of the ring at its beginning. With all,
// every copy counts; otherwise only those that too few others have. Without an error the node is
// neither owner nor witness any more, and may depart.
func (n *Node) HandOver(ctx context.Context, report func(HandOver), all bool) (s *chord.Snapshot, failed []string, err error) {
	n.late.take() // one that was added just as an earlier leave was given up
	if s, err = n.ring.BeginLeave(ctx); err != nil {
		return nil, nil, err
	}
	switch {
	case len(s.View.Successors()) == 0 && all && !s.Standby:
		// Nobody is left to take the files: they stay.
		failed = n.everyName()
		for _, name := range failed {
			tell(report, HandOver{Name: name, Error: "no other peer is in the ring"})
		}
		if len(failed) > 0 {
			n.stay(ctx)
			return s, nil, fault.New(fault.Failed, "this is the last node of its ring: nobody else can take %s; use quit to stop and keep %s", Files(len(failed)), themOrIt(len(failed)))
		}
		n.event("leaving", "the last node of its ring, without files")
	case len(s.View.Successors()) == 0 && !s.Standby:
		n.event("leaving", "the last node of its ring; its files are kept for the next start")
	default:
		n.event("leaving", "handing files over")
		silent := &silentPeers{}
		if failed, err = n.handAll(ctx, s, report, all, silent); err != nil {
			n.stay(ctx)
			return s, failed, fault.New(fault.CodeOf(err), "can't read the files to hand over, and stays in the ring: %w", err)
		}
		// Until here this node was the witness of its successor. What came in meanwhile follows.
		if err := n.ring.HandedOver(n.env.WithoutCancel(ctx)); err != nil {
			return s, failed, err
		}
		failed = append(failed, n.handLate(ctx, s, silent)...)
	}
	return s, failed, nil
}

// stay cancels the leave: the node serves again.
func (n *Node) stay(ctx context.Context) {
	if n.ring.CancelLeave(n.env.WithoutCancel(ctx)) == nil { // else the node is closing
		n.late.take()
	}
}

// Files writes a number of files.
func Files(n int) string {
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

// lateCopies are the records that came in while others were being handed over. It is safe for
// concurrent use.
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

// Late is how many records have come in while others are being handed over.
func (n *Node) Late() int { return n.late.count() }

func (l *lateCopies) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

// maxUnanswered is how many records in a row a peer may leave unanswered before a leaving node
// gives it no more. Each costs the time of a request, and there may be thousands.
const maxUnanswered = 3

// silentPeers are the peers that don't answer a leaving node. The zero value is ready, and safe for
// concurrent use.
type silentPeers struct {
	mu         sync.Mutex
	unanswered map[ring.Position]int
	last       map[ring.Position]error
}

// note counts the outcome of a request. Any answer, even a refusal, ends the count.
func (p *silentPeers) note(peer ring.Position, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil || fault.CodeOf(err) != fault.Unreachable && !errors.Is(err, protocol.ErrNoAnswer) {
		delete(p.unanswered, peer)
		return
	}
	if p.unanswered == nil {
		p.unanswered, p.last = make(map[ring.Position]int), make(map[ring.Position]error)
	}
	p.unanswered[peer]++
	p.last[peer] = err
}

// gaveUp returns the last error of a peer that is given no more, else nil.
func (p *silentPeers) gaveUp(peer ring.Position) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unanswered[peer] < maxUnanswered {
		return nil
	}
	return p.last[peer]
}

// handLate hands those over, and returns the names for which that failed.
func (n *Node) handLate(ctx context.Context, s *chord.Snapshot, silent *silentPeers) []string {
	var failed []string
	for _, e := range n.late.take() {
		if h := n.handOne(ctx, s, e, false, silent); h.Error != "" {
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

// handAll hands over the whole store.
func (n *Node) handAll(ctx context.Context, s *chord.Snapshot, report func(HandOver), all bool, silent *silentPeers) ([]string, error) {
	var mu sync.Mutex
	var failed []string
	done := func(e store.Entry, h HandOver) {
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
		batch, err := n.countedAfter(after)
		if err != nil || len(batch) == 0 {
			slices.Sort(failed)
			return failed, err
		}
		after = &batch[len(batch)-1]
		group := env.NewGroup(n.env, handers)
		for _, e := range batch {
			failed := HandOver{Name: e.Name, Error: contain.ErrPanic.Error()}
			if err := group.Go(ctx, "handing a record over", func(context.Context) {
				h := failed
				defer func() { done(e, h) }()
				h = n.handOne(ctx, s, e, all, silent)
			}); err != nil {
				done(e, HandOver{Name: e.Name, Error: err.Error()})
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
func (n *Node) countedAfter(after *store.Entry) (batch []store.Entry, err error) {
	size := 0
	err = n.store.Scan(records.Everything, after, func(e store.Entry) bool {
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
func (n *Node) handOne(ctx context.Context, s *chord.Snapshot, e store.Entry, all bool, silent *silentPeers) HandOver {
	h := HandOver{Name: e.Name}
	k, err := records.Read(e)
	if err != nil {
		h.Error = err.Error()
		return h
	}
	copies := max(n.copiesOf(k.RecordBody), 2)
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
		if err := silent.gaveUp(to); err != nil {
			lastErr = err
			continue
		}
		if !all && n.holds(ctx, to, e) {
			given++
			continue
		}
		// Only members are given copies by members; the owner fetches what it lacks by itself.
		if s.Standby {
			if lastErr = n.awaitCopy(ctx, to, e); lastErr == nil {
				given++
				h.To = peerID(to).String()
			}
			continue
		}
		err := n.push(ctx, to, e)
		silent.note(to, err)
		if err != nil {
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
	ctx, cancel := n.env.WithTimeout(ctx, n.cfg.Timeout)
	defer cancel()
	for !n.holds(ctx, to, e) {
		if err := env.Sleep(ctx, n.env, n.cfg.Heartbeat/3); err != nil {
			return fault.New(fault.TryAgain, "its owner does not have all of it yet")
		}
	}
	return nil
}

// everyName returns the names of the files in the store, without tombstones.
func (n *Node) everyName() []string {
	var out []string
	_ = n.store.Scan(records.Everything, nil, func(e store.Entry) bool {
		if k, err := records.Read(e); err == nil && e.Counted && e.Index == 0 && !k.GetDeleted() && !slices.Contains(out[max(0, len(out)-1):], e.Name) {
			out = append(out, e.Name)
		}
		return true
	})
	return out
}
