package records

import (
	"slices"

	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/store"
)

// Merge returns the entries of a place with the new record in, by the rules of replica.Merge.
// current and quarantined are the entries before. Records in quarantine take no part: they stay
// unless they are the new record, or a current one replaces them.
func Merge(current []Stored, quarantined []store.Entry, in Stored) []store.Entry {
	current = mergeCurrent(current, in)
	out := entries(current)
	for _, e := range quarantined {
		v, err := replica.ParseStamp(e.Stamp)
		if err == nil && e.Stamp != in.Entry.Stamp && !replacedBy(current, v) {
			out = append(out, e)
		}
	}
	return out
}

// mergeCurrent is Merge without the records in quarantine. Records of later blocks are identified
// by their hash and have no versions: they stay beside each other, and of two with the same hash
// the one written later stays.
func mergeCurrent(current []Stored, in Stored) []Stored {
	out := make([]Stored, 0, 1+len(current))
	if in.Entry.Index > 0 {
		newest := in
		for _, k := range current {
			if k.Entry.Stamp != in.Entry.Stamp {
				out = append(out, k)
			} else if k.GetClock() >= in.GetClock() {
				newest = k
			}
		}
		return append(out, newest)
	}
	all := append([]Stored{in}, current...)
	records := make([]replica.Record, len(all))
	for i, k := range all {
		records[i] = protocol.Lineage(k.RecordBody)
	}
	for _, i := range replica.Merge(records) {
		out = append(out, all[i])
	}
	return out
}

// Split decodes the entries that count, and returns those in quarantine as they are.
func Split(es []store.Entry) (current []Stored, quarantined []store.Entry, err error) {
	count, quarantined := Counted(es)
	current, err = ReadAll(count)
	return current, quarantined, err
}

func entries(ks []Stored) []store.Entry {
	out := make([]store.Entry, len(ks))
	for i, k := range ks {
		out[i] = k.Entry
	}
	return out
}

// Counted separates the entries that count from those in quarantine.
func Counted(es []store.Entry) (count, quarantined []store.Entry) {
	for _, e := range es {
		if e.Counted {
			count = append(count, e)
		} else {
			quarantined = append(quarantined, e)
		}
	}
	return count, quarantined
}

// replacedBy reports whether one of the records of a file replaces version v.
func replacedBy(ks []Stored, v replica.Version) bool {
	return slices.ContainsFunc(ks, func(k Stored) bool { return protocol.Lineage(k.RecordBody).Supersedes(v) })
}
