package replication

import (
	"maps"
	"sync"

	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// copyHealth is what an owner knows of the copies of its arc. It is safe for concurrent use.
type copyHealth struct {
	mu      sync.Mutex
	behind  map[ring.Position]bool // holders not reconciled since the neighbours changed
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

// compared notes under how many keys a holder has been found to have something else, or still has.
func (h *copyHealth) compared(p ring.Position, keys int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, holds := h.behind[p]; holds {
		h.differs[p] = keys
	}
}

// agreed notes that a holder has been reconciled. When all have, nothing is short.
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

// counts returns the holders behind, and how many records lack copies as far as is known: those that were written and are not
// everywhere yet, and one for each key under which a holder has something else.
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

// Behind tells how many holders of this node's arc are not known to have all of it, and how many records lack copies
// as far as is known.
func (n *Node) Behind() (holders, records int) { return n.health.counts() }

// File is a file of which this node has a record.
type File struct {
	Record   *pb.RecordBody
	Owned    bool // by this node
	Copies   int  // that there are, as far as this node as the owner knows; else 0
	Complete bool // the bytes of its first block are here
}

// Files calls fn for the current version of each file here, in the order of keys and names.
func (n *Node) Files(fn func(File)) error {
	s := n.ring.Snapshot()
	var last *store.Entry
	flush := func() {
		if last == nil {
			return
		}
		k, err := readEntry(*last)
		last = nil
		if err != nil || k.GetDeleted() {
			return
		}
		f := File{Record: k.RecordBody, Owned: s.Grants.Owns(ring.Key(k.entry.Key)), Complete: k.complete}
		if f.Owned {
			f.Copies = n.copiesHeld(s, k)
		}
		fn(f)
	}
	err := n.store.Scan(everything, nil, func(e store.Entry) bool {
		if e.Index > 0 || !e.Counted && !n.shows(s) {
			return true
		}
		if last != nil && last.Place != e.Place {
			flush()
		}
		last = &e
		return true
	})
	flush()
	return err
}
