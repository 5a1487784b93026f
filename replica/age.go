package replica

import "slices"

// Times are in milliseconds since 1970, by the clock of the node that decides, which may be wrong: every
// rule here waits longer than clocks may differ (MaxAheadMillis), or for a state of the ring besides.
const (
	// OrphanGraceMillis is how long the version that no longer references a later block must have
	// been the current one: reads of the version before it may still be under way.
	OrphanGraceMillis = 2 * 60 * 1000
	// OrphanAgeMillis is the age at which a later block that no version references counts as left
	// by a put that was given up.
	OrphanAgeMillis = 24 * 60 * 60 * 1000
	// TombstoneGraceMillis is how long a tombstone stays after all holders have it, and
	// how long a copy is believed that no synced owner has confirmed: seven days. A node that was away for longer
	// may have missed a delete that nobody remembers.
	TombstoneGraceMillis = 7 * 24 * 60 * 60 * 1000
)

// Reference is one standing version of a file as the owner of the file knows it: the winner or a sibling.
type Reference struct {
	Record
	Deleted bool
	// Uses reports whether the version references the block in question at its index.
	Uses bool
}

// Block is a later block of a file (index greater than 0). Its Clock tells when it was written.
type Block struct{ Clock uint64 }

// Orphan reports whether a later block may be removed, given all standing versions of
// its file, the winner first, as its synced owner has just told them. A block that none of
// them uses is an orphan when the version that it belonged to has been replaced (the block is no
// younger than the winner's nearest ancestor) and the winner has stood for OrphanGraceMillis; or
// when it is older than OrphanAgeMillis, for then the put that wrote it was given up. With no version at all only age counts.
func Orphan(b Block, standing []Reference, nowMillis int64) bool {
	if slices.ContainsFunc(standing, func(r Reference) bool { return r.Uses && !r.Deleted }) {
		return false
	}
	if millis(b.Clock) < nowMillis-OrphanAgeMillis {
		return true
	}
	if len(standing) == 0 {
		return false
	}
	winner := standing[0]
	replaced := winner.Floor
	if len(winner.Ancestors) > 0 {
		replaced = winner.Ancestors[0].Clock
	}
	return b.Clock <= replaced && millis(winner.Version.Clock) < nowMillis-OrphanGraceMillis
}

func millis(clock uint64) int64 { return Version{Clock: clock}.Millis() }

// Collectable reports whether a tombstone may be removed by a synced owner and, at its
// word, by the holders: it stands alone, and every holder has had it since fullMillis, 0 for
// not yet. (CHORD, DELETE.)
func Collectable(standing []Reference, fullMillis, nowMillis int64) bool {
	return len(standing) == 1 && standing[0].Deleted && fullMillis > 0 && fullMillis <= nowMillis-TombstoneGraceMillis
}

// Quarantined reports whether a copy may no longer be believed or pushed: no
// synced owner has confirmed it for TombstoneGraceMillis. confirmedMillis is when one last did, this node included
// while it was the synced owner. The copy is not removed: see Believed.
func Quarantined(confirmedMillis, nowMillis int64) bool {
	return confirmedMillis < nowMillis-TombstoneGraceMillis
}

// Believed reports whether a sync takes quarantined copies into account: only when
// none of the holders that answered has been a holder all the while, as after the whole ring was
// down for longer than the grace. Then nobody can have collected anything.
func Believed(continuous []bool) bool { return !slices.Contains(continuous, true) }

// TooOld reports whether a put's record is so old that the tombstone of a later delete may have been
// collected already; its writer has to sign it anew.
func TooOld(v Version, nowMillis int64) bool {
	return v.Millis() < nowMillis-TombstoneGraceMillis+MaxAheadMillis
}
