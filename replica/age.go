package replica

import "slices"

// Times are in milliseconds since 1970, by the clock of the node that decides, which may be wrong:
// every rule here waits longer than clocks may differ (MaxAheadMillis), or for a state of the ring
// besides.
const (
	// OrphanGraceMillis is how long the version that no longer references a later block must have
	// been the current one: reads of the version before it may still be under way.
	OrphanGraceMillis = 2 * 60 * 1000
	// OrphanAgeMillis is the age at which a later block that no version references counts as left
	// by a put that was given up.
	OrphanAgeMillis = 24 * 60 * 60 * 1000
	// DefaultGrace is seven days: longer than a long weekend, and more than the space of a few
	// hundred bytes is worth. A node that was away for longer may have missed a delete that nobody
	// remembers.
	DefaultGrace Grace = 7 * 24 * 60 * 60 * 1000
)

// Reference is one current version of a file as the owner of the file knows it: the winner or a
// sibling.
type Reference struct {
	Record
	Deleted bool
	// Uses reports whether the version references the block in question at its index.
	Uses bool
}

// Block is a later block of a file (index greater than 0). Its Clock tells when it was written.
type Block struct{ Clock uint64 }

// Orphan reports whether a later block may be removed, given all current versions of its file, the
// winner first, as its synced owner has just told them. A block that none of them uses is an orphan
// when the version that it belonged to has been replaced (the block is no younger than the winner's
// nearest ancestor) and the winner has stood for OrphanGraceMillis; or when it is older than
// OrphanAgeMillis, for then the put that wrote it was given up. With no version at all only age
// counts.
func Orphan(b Block, current []Reference, nowMillis int64) bool {
	if slices.ContainsFunc(current, func(r Reference) bool { return r.Uses && !r.Deleted }) {
		return false
	}
	if millis(b.Clock) < nowMillis-OrphanAgeMillis {
		return true
	}
	if len(current) == 0 {
		return false
	}
	winner := current[0]
	replaced := winner.Floor
	if len(winner.Ancestors) > 0 {
		replaced = winner.Ancestors[0].Clock
	}
	return b.Clock <= replaced && millis(winner.Version.Clock) < nowMillis-OrphanGraceMillis
}

func millis(clock uint64) int64 { return Version{Clock: clock}.Millis() }

// Grace is how long, in milliseconds, a tombstone stays after all holders have it, and how long a
// copy is believed that no synced owner has confirmed. All peers of a ring should have the same.
type Grace int64

// margin is what clocks may differ by: MaxAheadMillis, less when the grace itself is short.
func (g Grace) margin() int64 { return min(MaxAheadMillis, int64(g)/8) }

// Collectable reports whether a tombstone may be removed by a synced owner and, at its
// word, by the holders: it stands alone, and every holder has had it since fullMillis, 0 for
// not yet. See docs/replication.md.
func (g Grace) Collectable(current []Reference, fullMillis, nowMillis int64) bool {
	return len(current) == 1 && current[0].Deleted && fullMillis > 0 && fullMillis <= nowMillis-int64(g)
}

// Expired reports whether a holder may remove a tombstone at its owner's word: no
// owner can have seen it at all holders for the grace if it was signed later than that.
func (g Grace) Expired(v Version, nowMillis int64) bool {
	return v.Millis() < nowMillis-int64(g)+g.margin()
}

// Quarantined reports whether a copy of version v may no longer be believed or pushed: no synced
// owner has confirmed it for the grace, and it was signed before that, so that a later delete may
// have been forgotten. confirmedMillis is when one last did, this node included while it was the
// synced owner. The copy is not removed: see Believed.
func (g Grace) Quarantined(v Version, confirmedMillis, nowMillis int64) bool {
	return max(confirmedMillis, v.Millis()-g.margin()) < nowMillis-int64(g)
}

// Believed reports whether a sync takes quarantined copies into account: only when
// none of the holders that answered has been a holder all the while, as after the whole ring was
// down for longer than the grace. Then nobody can have collected anything since it went down. What
// was to be quarantined by then already, because its holder had been away before, is left out.
func Believed(continuous []bool) bool { return !slices.Contains(continuous, true) }

// Latest is the shorter of two times ago; 0 is one that isn't known.
func Latest(a, b int64) int64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// TooOld reports whether a put's record, of a file that nobody knows, is so old that the tombstone
// of a later delete may have been collected already; its writer has to sign it anew.
func (g Grace) TooOld(v Version, nowMillis int64) bool {
	return v.Millis() < nowMillis-int64(g)+g.margin()
}
