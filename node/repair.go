package node

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// wakeRepair asks for a round of repair soon.
func (n *Node) wakeRepair() { wake(n.repairing) }

// wakeFetch asks for missing bytes to be fetched soon.
func (n *Node) wakeFetch() { wake(n.fetching) }

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // woken already
	}
}

// await waits for a wake-up or for the period to pass; false when the node closes.
func await(ctx context.Context, c <-chan struct{}, period time.Duration) bool {
	timer := time.NewTimer(period)
	defer timer.Stop()
	select {
	case <-c:
		return true
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// repairLoop keeps every record of this node's arc on each of its holders: a round
// on every change of neighbours, and one every ten heartbeats. A round that fails is made again after one heartbeat.
func (n *Node) repairLoop(ctx context.Context) {
	period := 10 * n.cfg.Heartbeat
	for await(ctx, n.repairing, period) {
		s := n.state.Load()
		if !s.grants.Synced || s.leaving {
			period = n.cfg.Heartbeat
			continue
		}
		period = 10 * n.cfg.Heartbeat
		if !n.repair(ctx, s) {
			period = n.cfg.Heartbeat / 3
		}
	}
}

// repair reconciles the arc with each of its holders, and reports whether all of them agree now.
func (n *Node) repair(ctx context.Context, s *snapshot) bool {
	from, ok := s.view.Arc()
	if !ok {
		return false
	}
	span, some := keySpan(from, n.self)
	holders := n.arcHolders(s)
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
	if all && n.state.Load().grants.Grant == s.grants.Grant {
		n.post(func(l *loop) { l.arc.Repaired(s.grants.Grant) })
	}
	return all
}

// maxCopies is the greatest number of copies that a put may ask for.
const maxCopies = 8

// arcHolders are all peers that hold a part of this node's arc: as many as the
// ring's default asks for, and more when the store has records that want more.
func (n *Node) arcHolders(s *snapshot) []ring.Position {
	copies := n.cfg.Copies
	if n.health.wanted() > copies {
		copies = n.health.wanted()
	}
	holders, _ := s.view.Holders(n.self.Key, copies)
	return n.distinct(nil, holders...)
}

// wantedAt reports whether h is one of the holders of an entry of this node's arc.
func (n *Node) wantedAt(s *snapshot, h ring.Position, e store.Entry) bool {
	k, err := readEntry(e)
	if err != nil {
		return false
	}
	for _, p := range n.holders(s, k) {
		if p == h {
			return true
		}
	}
	return h == s.grants.Grant.From // the witness holds every record, with bytes or without
}

// fetchLoop gets the bytes of records that came without them.
func (n *Node) fetchLoop(ctx context.Context) {
	period := n.cfg.Heartbeat
	for await(ctx, n.fetching, period) {
		got, left := n.fetchMissing(ctx)
		switch {
		case left == 0:
			period = 10 * n.cfg.Heartbeat
		case got == 0:
			period = min(2*period, 10*n.cfg.Heartbeat)
		default:
			period = n.cfg.Heartbeat / 3
			n.wakeFetch()
		}
	}
}

// fetchers is how many blocks are fetched at a time for repair.
const fetchers = 3

// fetchMissing makes one pass over the records without bytes.
func (n *Node) fetchMissing(ctx context.Context) (got, left int) {
	missing, err := n.store.Missing(1024)
	if err != nil || len(missing) == 0 {
		return 0, 0
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	work := make(chan store.Entry)
	for range fetchers {
		wg.Go(func() {
			for e := range work {
				err := n.users.yield(ctx, func() error { return n.fetch(ctx, e) })
				mu.Lock()
				if err == nil {
					got++
				} else {
					left++
					log.Debugw("fetching a block", "name", e.Name, "index", e.Index, "err", err)
				}
				mu.Unlock()
			}
		})
	}
	for _, e := range missing {
		if k, err := readEntry(e); err == nil && k.GetCopies() == 1 && !n.state.Load().grants.Owns(ring.Key(e.Key)) {
			continue // a witness of a file of one copy holds the record alone
		}
		work <- e
	}
	close(work)
	wg.Wait()
	return got, left
}

// fetch gets the bytes of one entry from another holder.
func (n *Node) fetch(ctx context.Context, e store.Entry) error {
	ctx, cancel := context.WithTimeout(ctx, 6*n.cfg.Timeout)
	defer cancel()
	data, _, err := n.block(ctx, e.Place, e.Block, int(e.Size), nil, true)
	if err != nil {
		return err
	}
	defer putBuffer(data)
	st, err := n.store.StageKnown(ctx, data, e.Block)
	if err != nil {
		return err
	}
	defer st.Discard()
	return n.store.Supply(ctx, st)
}

// copyHealth is what an owner knows of the copies of its arc. It is safe for concurrent use.
type copyHealth struct {
	mu      sync.Mutex
	behind  map[ring.Position]bool // holders not reconciled since the neighbours changed
	short   map[store.Place]bool   // written since, not yet on every holder
	greater int                    // the greatest number of copies that a record has asked for
}

func newCopyHealth() *copyHealth {
	return &copyHealth{behind: make(map[ring.Position]bool), short: make(map[store.Place]bool)}
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
}

// agreed notes that a holder has been reconciled. When all have, nothing is short.
func (h *copyHealth) agreed(p ring.Position) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.behind[p] = false
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
	h.greater = max(h.greater, min(copies, maxCopies))
}

func (h *copyHealth) wanted() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.greater
}

// lacking is how many copies of a record are missing at most, as far as is known.
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

// counts returns the holders behind and the records short, for the status.
func (h *copyHealth) counts() (behind, short int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.behind {
		if b {
			behind++
		}
	}
	return behind, len(h.short)
}
