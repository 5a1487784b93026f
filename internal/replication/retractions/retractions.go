package retractions

import (
	lru "container/list"
	"fmt"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/store"
)

const (
	// remembersRetracted is how long a holder takes a block that was given up for an orphan:
	// another holder that has not heard of it may bring it back meanwhile.
	remembersRetracted = time.Hour
	// maxRetracted bounds the blocks that are remembered; those beyond it, the oldest, go after a
	// day.
	maxRetracted = 1 << 16
)

// Retractions are the later blocks that their writers have retracted, and the places of the blocks
// about which this node is asking whether a version uses them. It is safe for concurrent use.
type Retractions struct {
	mu    sync.Mutex
	of    map[givenUp]*lru.Element
	order lru.List // of givenUpAt, the one noted first in front
	asked map[store.Place]int
}

type givenUpAt struct {
	what  givenUp
	until time.Time
}

// givenUp identifies a record that was retracted. A record of another writer, or one that was put
// again since, is a different one.
type givenUp [16]byte

func givenUpOf(at store.Place, stamp string, clock uint64, writer []byte) givenUp {
	sum := blake3sum.Sum(fmt.Appendf(nil, "%d %d %d %d %s%s%s", at.Index, len(at.Name), len(stamp), clock, at.Name, stamp, writer))
	return givenUp(sum[:16])
}

// Add notes that the writer of a later block has retracted it.
func (r *Retractions) Add(rec *protocol.Record, now time.Time) {
	r.add(givenUpOf(records.PlaceOf(rec.RecordBody), protocol.StampOf(rec), rec.GetClock(), rec.GetWriter()), now)
}

func (r *Retractions) add(g givenUp, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = make(map[givenUp]*lru.Element)
	}
	entry := givenUpAt{g, now.Add(remembersRetracted)}
	if e, known := r.of[g]; known {
		e.Value = entry
		r.order.MoveToBack(e)
		return
	}
	r.of[g] = r.order.PushBack(entry)
	for e := r.order.Front(); e != nil; e = r.order.Front() {
		first, _ := e.Value.(givenUpAt)
		if len(r.of) <= maxRetracted && now.Before(first.until) {
			return
		}
		r.order.Remove(e)
		delete(r.of, first.what)
	}
}

// Has reports whether a record was retracted.
func (r *Retractions) Has(k records.Stored, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, known := r.of[givenUpOf(k.Entry.Place, k.Entry.Stamp, k.GetClock(), k.GetWriter())]
	if !known {
		return false
	}
	entry, _ := e.Value.(givenUpAt)
	return now.Before(entry.until)
}

// Judge says that this node is about to ask whether versions use the blocks of a place. done says
// that it knows.
func (r *Retractions) Judge(at store.Place) (done func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked == nil {
		r.asked = make(map[store.Place]int)
	}
	r.asked[at]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.asked[at]--; r.asked[at] == 0 {
			delete(r.asked, at)
		}
	}
}

// Judging reports whether this node is asking about a place. Until it knows, the blocks there can't
// be counted on.
func (r *Retractions) Judging(at store.Place) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[at] > 0
}
