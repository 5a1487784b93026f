package replica

const (
	// MaxClock is the greatest clock of a version, in the year 6429, unless it replaces one that is
	// just below it.
	MaxClock uint64 = 1<<63 - 1
	// clockRoom is the room above MaxClock for those: a version with the greatest clock can still
	// be replaced, 2^46 times.
	clockRoom = 1 << 62
	// MaxStepMillis is how far above the version that it replaces a version's clock may be, in
	// milliseconds, whatever the time. NextClock takes one or two.
	MaxStepMillis = 1000
)

// ValidClock reports whether a record's clock can be one of a version at all. That rule needs no
// time.
func (r Record) ValidClock() bool {
	if r.Version.Clock <= MaxClock {
		return true
	}
	return r.Version.Clock <= MaxClock+clockRoom && len(r.Ancestors) > 0 && isStep(r.Version, r.Ancestors[0])
}

// isStep reports whether v is at most MaxStepMillis above what it replaces.
func isStep(v, replaced Version) bool {
	return v.Clock >= replaced.Clock && v.Clock-replaced.Clock <= MaxStepMillis<<clockShift
}

// Date is what an owner makes of the clock of a new version.
type Date uint8

const (
	// Timely: the version may be written.
	Timely Date = iota
	// Ahead: it claims to come from the future, and would win against every honest write until
	// then.
	Ahead
	// Old: it is so old that the tombstone of a later delete may have been collected already. Its
	// writer has to sign it anew.
	Old
)

// Judge decides about the clock of a record that Admit accepts. current are the records of the
// file's current versions, the winner first. A version that is a small step above the one that it
// replaces is timely whatever the time: so a version from the future never blocks its name.
func (g Grace) Judge(current []Record, r Record, now Time) Date {
	switch {
	case len(current) > 0 && r.Supersedes(current[0].Version) && isStep(r.Version, current[0].Version):
		return Timely
	case TooFarAhead(r.Version, now.Late):
		return Ahead
	case len(current) == 0 && g.TooOld(r.Version, now.Early):
		return Old
	}
	return Timely
}
