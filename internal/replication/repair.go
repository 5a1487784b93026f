package replication

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// repairLoop keeps every record of this node's arc at each of its holders. There is a round after
// every change of the neighbors, and one every ten heartbeats. A round that fails is repeated after
// a third of a heartbeat.
func (n *Node) repairLoop(ctx context.Context) {
	period := 10 * n.cfg.Heartbeat
	var collected int64
	for n.repairing.Await(ctx, period) {
		s := n.ring.Snapshot()
		if !s.Grants.Synced || s.Leaving {
			period = n.cfg.Heartbeat
			continue
		}
		period = 10 * n.cfg.Heartbeat
		var dead []store.Entry
		now := n.clocks.Now()
		look := (now < collected || now-collected >= n.tombstones.Period().Milliseconds()) && !s.Grants.Degraded
		if look {
			dead = n.tombstones.Find(s)
		}
		switch agreed := n.repair(ctx, s); {
		case !agreed:
			period = n.cfg.Heartbeat / 3
		case look:
			collected = n.clocks.Now()
			n.tombstones.Collect(ctx, s, dead)
		}
	}
}

// repair reconciles the arc with each of its holders, and reports whether all of them agree now.
func (n *Node) repair(ctx context.Context, s *chord.Snapshot) bool {
	from, ok := s.View.Arc()
	if !ok {
		return false
	}
	if !n.arc.GrantStands(ctx, s) {
		return false
	}
	span, some := records.KeySpan(from, n.self)
	holders := n.arc.AllHolders(s)
	n.health.expect(holders)
	all := true
	for _, h := range holders {
		if !some {
			n.health.agreed(h)
			continue
		}
		pushed, err := n.reconcile(ctx, h, span, func(e store.Entry) bool { return n.wantedAt(s, h, e) })
		if err != nil {
			log.Debugw("repair", "holder", peerID(h), "err", err)
			all = false
			continue
		}
		n.health.agreed(h)
		if pushed > 0 {
			log.Infow("copies restored", "holder", peerID(h), "records", pushed)
		}
	}
	if all && n.ring.Snapshot().Grants.Grant == s.Grants.Grant {
		n.ring.Repaired(s.Grants.Grant)
	}
	if all && some {
		n.lookBeyond(ctx, s, span)
	}
	return all
}

// lookBeyond looks at the peers that would be holders if a file wanted the greatest number of
// copies. They may have a version that wanted more copies than the current one, and that this node
// has never heard of. They get the current version, and with that their copy is a stray. A peer
// that holds nothing of the arc costs one small exchange.
func (n *Node) lookBeyond(ctx context.Context, s *chord.Snapshot, span store.Span) {
	near := n.arc.AllHolders(s)
	for _, h := range n.arc.Nearest(s, protocol.MaxCopies) {
		if slices.Contains(near, h) || ctx.Err() != nil {
			continue
		}
		sums, err := n.held.Digest(ctx, h, &pb.Digest{First: uint32(span.First), Last: uint32(span.Last)}, 1)
		if err != nil || sums[0] == (store.Sum{}) {
			continue
		}
		if _, err := n.reconcile(ctx, h, span, func(e store.Entry) bool { return n.wantedAt(s, h, e) }); err != nil {
			log.Debugw("looking for old copies", "peer", peerID(h), "err", err)
		}
	}
}

// wantedAt reports whether h is one of the holders of an entry of this node's arc.
func (n *Node) wantedAt(s *chord.Snapshot, h ring.Position, e store.Entry) bool {
	k, err := records.Read(e)
	if err != nil {
		return false
	}
	for _, p := range n.arc.Holders(s, k) {
		if p == h {
			return true
		}
	}
	return h == s.Grants.Grant.From // the witness holds every record, with bytes or without
}

// copyHealth is what an owner knows of the copies of its arc. It is safe for concurrent use.
type copyHealth struct {
	mu      sync.Mutex
	behind  map[ring.Position]bool // holders not reconciled since the neighbors changed
	differs map[ring.Position]int  // keys under which they still have to be given something
	short   map[store.Place]bool   // written since, not yet on every holder
	greater int                    // the greatest number of copies that a record has asked for
}

func newCopyHealth() *copyHealth {
	return &copyHealth{behind: make(map[ring.Position]bool), differs: make(map[ring.Position]int), short: make(map[store.Place]bool)}
}

// expect sets who the holders are; new ones count as behind.
func (h *copyHealth) expect(holders []ring.Position) {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := make(map[ring.Position]bool, len(holders))
	for _, p := range holders {
		behind, known := h.behind[p]
		next[p] = behind || !known
	}
	h.behind = next
	maps.DeleteFunc(h.differs, func(p ring.Position, _ int) bool { _, holds := next[p]; return !holds })
}

// compared records under how many keys a holder differs.
func (h *copyHealth) compared(p ring.Position, keys int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, holds := h.behind[p]; holds {
		h.differs[p] = keys
	}
}

// agreed records that a holder has been reconciled. When all have, no record is short of copies.
func (h *copyHealth) agreed(p ring.Position) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.behind[p] = false
	delete(h.differs, p)
	for behind := range maps.Values(h.behind) {
		if behind {
			return
		}
	}
	clear(h.short)
}

func (h *copyHealth) wrote(at store.Place) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.short[at] = true
}

func (h *copyHealth) healed(at store.Place) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.short, at)
}

// asked notes that a record wants so many copies.
func (h *copyHealth) asked(copies int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.greater = max(h.greater, min(copies, protocol.MaxCopies))
}

func (h *copyHealth) wanted() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.greater
}

// lacking is how many copies of a record are missing at most, as far as the owner knows.
func (h *copyHealth) lacking(at store.Place) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, behind := range h.behind {
		if behind {
			n++
		}
	}
	if n == 0 && h.short[at] {
		n = 1
	}
	return n
}

// counts returns how many holders are behind, and how many records lack copies as far as the owner
// knows: those that were written and are not at all holders yet, and one for each key under which a
// holder differs.
func (h *copyHealth) counts() (behind, missing int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.behind {
		if b {
			behind++
		}
	}
	missing = len(h.short)
	for _, keys := range h.differs {
		missing += keys
	}
	return behind, missing
}

// Behind tells how many holders of this node's arc are not known to have all of it, and how many
// records lack copies as far as is known.
func (n *Node) Behind() (holders, records int) { return n.health.counts() }
