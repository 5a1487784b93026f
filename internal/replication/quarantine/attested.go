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
	// Unbroken is since when the ring has not stopped for longer than the grace period; 0 if it
	// isn't known. Stopped is when the copies under the keys of StoppedOf were last confirmed
	// before that; 0 for never.
	Unbroken, Stopped int64
	StoppedOf         store.Span
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

// Confirm records that synced owners have confirmed everything held here under the keys of of. They
// know that the ring has not stopped for unbroken milliseconds; 0 if one doesn't.
func (q *Quarantine) Confirm(millis int64, of store.Span, unbroken int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	a := &q.attested
	q.noticeStop(millis)
	if a.Unbroken == 0 {
		a.Unbroken = millis
	}
	a.Unbroken = min(a.Unbroken, millis-unbroken)
	a.Confirmed, a.Of, q.passed = millis, of, false
}

// noticeStop notes that nobody has confirmed anything for longer than the grace period: either this
// node was away, or the whole ring. mu is held.
func (q *Quarantine) noticeStop(now int64) {
	if a := &q.attested; a.Confirmed > 0 && a.Confirmed < now-int64(q.grace()) {
		a.Stopped, a.StoppedOf, a.Unbroken = a.Confirmed, a.Of, 0
	}
}

// Unbroken is since when the ring has not stopped for longer than the grace period; 0 if this node
// doesn't know.
func (q *Quarantine) Unbroken() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.noticeStop(q.cfg.Clocks.Now())
	return q.attested.Unbroken
}

// Life is for how many milliseconds that is, and how many milliseconds ago the ring stopped before;
// 0 if this node doesn't know.
func (q *Quarantine) Life() (unbroken, stoppedAgo uint64) {
	now, since := q.cfg.Clocks.Now(), q.Unbroken()
	q.mu.Lock()
	defer q.mu.Unlock()
	if since > 0 && since < now {
		unbroken = uint64(now - since)
	}
	if stopped := max(q.attested.Stopped, q.ringStopped); stopped > 0 && stopped < now {
		stoppedAgo = uint64(now - stopped)
	}
	return unbroken, stoppedAgo
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

// For is how old the copies of this node are that belong to the arc from pred to owner. It has been
// a holder of that arc for all of the grace period if it is one by its neighbors.
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

// of is how old the copies of this node are that belong to span. They are continuous if synced
// owners have attested them within the grace period, and the ring has not stopped during it.
func (q *Quarantine) of(span store.Span) replica.Attestation {
	now := q.cfg.Clocks.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.noticeStop(now)
	a, since := q.attested, now-int64(q.grace())
	out := replica.Attestation{
		Continuous:   a.Unbroken > 0 && a.Unbroken <= since && a.Confirmed >= since && records.Covers(a.Of, span),
		Quarantined:  q.quarantined,
		ConfirmedAgo: max(0, now-max(a.FirstStart, a.Confirmed)),
	}
	if a.Stopped > 0 && !out.Continuous && records.Covers(a.StoppedOf, span) {
		out.StoppedAgo = max(0, now-a.Stopped)
	}
	return out
}
