package replica

import "slices"

// Record is what merging needs of a record: its version and what it replaces.
type Record struct {
	Version Version
	// Ancestors are the versions that it replaces, nearest first, at most MaxAncestors.
	Ancestors []Version
	// Floor covers older ancestors: whatever has a clock of at most Floor is one.
	Floor uint64
}

// Supersedes reports whether v is an ancestor of r: r was written by somebody who replaced v.
func (r Record) Supersedes(v Version) bool {
	if v.Compare(r.Version) >= 0 {
		return false
	}
	return v.Clock <= r.Floor || slices.Contains(r.Ancestors, v)
}

// Replace returns the record of version v that replaces cur, with cur's ancestors behind it.
func Replace(cur Record, v Version) Record {
	ancestors := append([]Version{cur.Version}, cur.Ancestors...)
	floor := cur.Floor
	if len(ancestors) > MaxAncestors {
		floor = max(floor, ancestors[MaxAncestors].Clock)
		ancestors = ancestors[:MaxAncestors]
	}
	return Record{Version: v, Ancestors: ancestors, Floor: floor}
}

// Merge returns the indices of the records that stand when all are known: the
// greatest version first (the winner), then its siblings, the concurrent versions
// that none of the others supersedes, at most MaxSiblings of them. The
// result doesn't depend on the order in which records became known. Of equal
// versions the first is taken.
func Merge(records []Record) []int {
	order := make([]int, len(records))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return records[j].Version.Compare(records[i].Version)
	})
	current := make([]int, 0, len(order))
	for n, i := range order {
		if n > 0 && superseded(records, order[:n], i) {
			continue
		}
		current = append(current, i)
	}
	return current[:min(len(current), 1+MaxSiblings)]
}

// superseded reports whether one of the greater records has the version of i or replaces it.
func superseded(records []Record, greater []int, i int) bool {
	v := records[i].Version
	return slices.ContainsFunc(greater, func(g int) bool {
		return records[g].Version == v || records[g].Supersedes(v)
	})
}

// Admission is what an owner does with a put.
type Admission uint8

const (
	// Write: the record is new and replaces the current version, or there is none.
	Write Admission = iota
	// Known: this version is current already; the put is a repetition.
	Known
	// Superseded: the version was written and has been replaced since.
	Superseded
	// Stale: the record does not name the current version as its ancestor. Its writer has to sign
	// it anew.
	Stale
)

// Admit decides about a put of r. current are the records of the file's current versions, the
// winner first. A record that names no ancestor was signed by a writer that has seen none: its
// clock may lie below the floor only because the writer's time is behind, so the floor says nothing
// of it. Writes through one owner form one chain: a writer that has not seen the current version is
// told, so siblings come from partitions alone.
func Admit(current []Record, r Record) Admission {
	blind := len(r.Ancestors) == 0 && r.Floor == 0
	for _, c := range current {
		switch {
		case c.Version == r.Version:
			return Known
		case slices.Contains(c.Ancestors, r.Version), !blind && c.Supersedes(r.Version):
			return Superseded
		}
	}
	if len(current) == 0 || r.Supersedes(current[0].Version) {
		return Write
	}
	return Stale
}
