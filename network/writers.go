package network

import (
	"math"

	"github.com/p2pchord/p2pchord/network/statement"
)

const (
	// NoEnd is until when the records of a peer count that may write as long as nothing changes.
	NoEnd uint64 = math.MaxUint64
	// clockToleranceMS is by how much clocks may differ: an owner takes a record whose clock is so
	// far ahead.
	clockToleranceMS = 10 * 60 * 1000
)

// CountsRecord reports whether a record that a peer has signed at a time, by its clock in
// milliseconds since 1970, counts: members take it from each other, and readers believe it. Whether
// a peer may put a new record is another question: see Member.May.
//
// A record counts if its writer may write. If the writer once might, and has been revoked since, or
// lost that role, or its grant has ended, what it signed before counts. That depends on nothing but
// the set and the record, so all peers agree which version of a file is the current one.
func (st *State) CountsRecord(writer statement.Peer, clockMS uint64) bool {
	until, ever := st.Writers[writer]
	return ever && (until > NoEnd-clockToleranceMS || clockMS <= until+clockToleranceMS)
}

// EverWrote reports whether a peer may write files, or once might.
func (st *State) EverWrote(writer statement.Peer) bool {
	_, ever := st.Writers[writer]
	return ever
}

// writes reports whether a grant allows to write files.
func (g granted) writes() bool {
	return Allow(g.Roles, WriteFiles) && len(g.NarrowedTo) == 0
}

// writesUntil returns until when the records of a peer with these grants count, as far as its
// grants go, and whether it may write or once might.
func writesUntil(all []granted) (until uint64, ever bool) {
	for _, g := range all {
		ever = ever || g.writes()
	}
	until = NoEnd
	for _, g := range highest(all) {
		switch {
		case !g.writes():
			until = min(until, g.timeMS)
		case g.NotAfterMS > 0:
			until = min(until, g.NotAfterMS)
		}
	}
	return until, ever
}
