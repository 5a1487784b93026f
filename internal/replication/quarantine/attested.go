package quarantine

import (
	"slices"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// Attested is how old the copies of a node may be. Times are in milliseconds since 1970.
type Attested struct {
	// FirstStart is when the data folder was made, and Confirmed when synced owners have last
	// confirmed all that is held here; 0 for never.
	FirstStart, Confirmed int64
	// Of are the keys of all that was confirmed then.
	Of store.Span
}

// Attested is what the owners have last attested.
func (q *Quarantine) Attested() Attested {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.attested
}

// Since is the moment until which everything held here is known to have been right.
func (q *Quarantine) Since() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return max(q.attested.FirstStart, q.attested.Confirmed)
}

// Confirm records that synced owners have confirmed everything held here under the keys of of.
func (q *Quarantine) Confirm(millis int64, of store.Span) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.attested.Confirmed, q.attested.Of, q.passed = millis, of, false
}

// Any reports whether there are copies in quarantine.
func (q *Quarantine) Any() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.quarantined
}

// setAny says that there are.
func (q *Quarantine) setAny() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.quarantined = true
}

// passOnce reports whether the copies have been looked through since they were last confirmed, and
// says that they have been now.
func (q *Quarantine) passOnce() (passed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	passed, q.passed = q.passed, true
	return passed
}

// continuous reports whether all of span was confirmed after the moment since.
func (q *Quarantine) continuous(span store.Span, since int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.attested.Confirmed > 0 && q.attested.Confirmed >= since && records.Covers(q.attested.Of, span)
}

// For is how old the copies of this node are that belong to the arc from pred to owner. It has been
// a holder of that arc for all of the grace period if it is one by its neighbors, and synced owners
// have attested within the grace period what it holds there.
func (q *Quarantine) For(pred, owner ring.Position, s *chord.Snapshot) (a replica.Attestation) {
	preds, succs := s.View.Predecessors(), s.View.Successors()
	near := preds[:min(len(preds), max(q.cfg.Copies, 2)-1)]
	holder := len(succs) > 0 && succs[0] == owner || slices.Contains(near, owner)
	if span, ok := records.KeySpan(pred, owner); ok {
		a = q.of(span)
	}
	a.Continuous = a.Continuous && holder
	return a
}

// of is how old the copies of this node are that belong to span, which it has held since they were
// attested.
func (q *Quarantine) of(span store.Span) replica.Attestation {
	now := q.cfg.Clocks.Now()
	return replica.Attestation{
		Continuous: q.continuous(span, now-int64(q.grace())), Attested: q.continuous(span, 0),
		ConfirmedAgo: max(0, now-q.Since()), Quarantined: q.Any(),
	}
}
