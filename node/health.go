package node

import (
	"maps"
	"sync"

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
